"""A settings file that is read again when it changes; a broken edit leaves the last good value."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from receiver import log
from receiver.errors import ConfigError

T = TypeVar("T")


class WatchedFile(Generic[T]):
    """The parsed contents of a TOML file, or `empty` without a file."""

    def __init__(
        self,
        path: Path | None,
        parse: Callable[[str, str], T],
        empty: T,
        *,
        optional: bool = False,
    ) -> None:
        """Read the file. Raises ConfigError if it is wrong from the start."""
        self._path, self._parse, self._value = path, parse, empty
        self._empty, self._optional = empty, optional
        self._stamp: tuple[int, int] | None = None
        if path:
            self._stamp = self._stat(path)
            self._value = self._read(path)

    def get(self) -> T:
        """Return the contents of the newest valid version of the file."""
        if self._path is None:
            return self._value
        stamp = self._stat(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._value = self._read(self._path)
            except ConfigError as error:
                path = str(self._path)
                log.get().error("settings file refused", path=path, problems=error.problems)
        return self._value

    def _read(self, path: Path) -> T:
        if self._optional and not path.exists():
            return self._empty
        try:
            return self._parse(path.read_text(encoding="utf-8"), path.name)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError([f"{path.name}: cannot be read as UTF-8 text."]) from error

    @staticmethod
    def _stat(path: Path) -> tuple[int, int] | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size)
