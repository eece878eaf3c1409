"""A file that is read again when it changes; a broken edit keeps the last good reading."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from receiver import log
from receiver.errors import ConfigError

T = TypeVar("T")


class Watched(Generic[T]):
    """The parsed contents of a TOML file; `empty` where none is set or there."""

    def __init__(
        self,
        path: Path | None,
        parse: Callable[[str, str], T],
        empty: T,
        *,
        optional: bool = False,
    ) -> None:
        """Read the file at once: ConfigError where it is wrong from the start."""
        self._path, self._parse, self._value = path, parse, empty
        self._empty, self._optional = empty, optional
        self._stamp: tuple[int, int] | None = None
        if path:
            self._stamp = self._stat(path)
            self._value = self._read(path)

    def get(self) -> T:
        """The newest good reading."""
        if self._path is None:
            return self._value
        stamp = self._stat(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            self._reread(self._path)
        return self._value

    def _reread(self, path: Path) -> None:
        try:
            self._value = self._read(path)
        except ConfigError as error:
            log.get().error("settings file refused", path=str(path), problems=error.problems)

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
            found = path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size)
