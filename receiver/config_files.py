"""A settings file that is read again when it changes; a broken edit leaves the last good reading.

The master of a receiver reads the files and keeps each good reading in the data directory, so that
a receiver that starts anew goes on with it. Its workers begin with what the master has read.
"""

import codecs
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from receiver import log
from receiver.errors import ConfigError
from receiver.settings.private_files import write_text

T = TypeVar("T")
MAX_BYTES = 16 * 2**20  # of a file of settings; a device may be endless


def read_text(path: Path) -> str:
    """Return the text of a file that people write, or of a pipe; a byte order mark is no part of
    it.

    Raises ConfigError with the reason.
    """
    return _text(path, lambda: path.open("rb"))


def read_regular(path: Path) -> str:
    """Return the text of a file that is read again and again: a pipe would keep its reader waiting,
    or be read empty the second time.

    Raises ConfigError with the reason, also for what is no regular file.
    """
    return _text(path, lambda: _open_regular(path))


def _open_regular(path: Path) -> BinaryIO:
    """Opening a FIFO waits for its writer, save with O_NONBLOCK."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115  # the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ConfigError([f"{path}: this is no regular file: write the settings into one."])
    return file


def _text(path: Path, open_file: Callable[[], BinaryIO]) -> str:
    try:
        with open_file() as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError([f"{path}: this is longer than {MAX_BYTES // 2**20} MiB."])
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ConfigError([f"{path}: this is UTF-16: save it as UTF-8."])
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}."]) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}: line {line} is not UTF-8: save the file as UTF-8."]) from error


class NamedFiles:
    """The files that a settings file names: their texts are a part of its reading."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.kept: dict[str, str] | None = None  # to read from instead

    def read(self, path: Path) -> str:
        """Return the text of one of them. Raises ConfigError if it cannot be read."""
        if self.kept is None:
            self.texts[str(path)] = read_regular(path)
        elif str(path) in self.kept:
            self.texts[str(path)] = self.kept[str(path)]
        else:
            raise ConfigError([f"{path}: was not kept."])
        return self.texts[str(path)]

    def begin(self, kept: dict[str, str] | None = None) -> None:
        """Begin another reading."""
        self.texts, self.kept = {}, kept


class WatchedFile(Generic[T]):
    """The parsed contents of a TOML file, or `empty` without a file.

    `problems` are those of the present file; then the contents are the last good ones. `kept` is
    where the last good reading lies, if anywhere: it counts for this path alone.
    """

    def __init__(
        self,
        path: Path | None,
        parse: Callable[[str, str], T],
        empty: T,
        *,
        optional: bool = False,
        named: NamedFiles | None = None,
        kept: Path | None = None,
    ) -> None:
        """Read the file. Raises ConfigError if it is wrong and no good reading is kept."""
        self.path, self._parse, self._value = path, parse, empty
        self._empty, self._optional, self._kept = empty, optional, kept
        self._named = named or NamedFiles()
        self._unkept: dict[str, object] | None = None  # a good reading
        self._stamp: tuple[int, int] | None = None
        self.problems: tuple[str, ...] = ()
        self.text = ""  # of the reading in use
        if path:
            self._stamp = self._stat(path)
            try:
                self._read(path)
            except ConfigError as error:
                self._use_kept(path, error)

    def get(self) -> T:
        """Return the contents of the newest valid version of the file."""
        if self.path is None:
            return self._value
        stamp = self._stat(self.path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._read(self.path)
            except ConfigError as error:
                self.problems = error.problems
                self.log_problems()
        return self._value

    def log_problems(self) -> None:
        """Write the problems of the present file to the log."""
        if self.problems:
            path = str(self.path)
            log.get().error("settings file refused", path=path, problems=self.problems)

    def keep(self) -> None:
        """Keep a new good reading for the next start."""
        reading, self._unkept = self._unkept, None
        if reading is None or self._kept is None:
            return
        try:
            self._kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_text(self._kept, json.dumps(reading))
        except OSError as error:
            log.get().warning("settings not kept", path=str(self._kept), reason=error.strerror)

    def _read(self, path: Path) -> None:
        """Read the file and those that it names. Raises ConfigError, and changes nothing then."""
        self._named.begin()
        text = "" if self._optional and not path.exists() else read_regular(path)
        self._value, self.text = self._parsed(text, path), text
        self._unkept = {"path": str(path), "text": text, "named": self._named.texts}
        self.problems = ()

    def _parsed(self, text: str, path: Path) -> T:
        try:
            return self._parse(text, path.name) if text else self._empty
        except ConfigError:
            raise
        except Exception as error:  # whatever is in a file, the receiver goes on
            name = type(error).__name__  # its text may hold a secret
            raise ConfigError([f"{path.name}: cannot be read as settings ({name})."]) from error

    def _use_kept(self, path: Path, error: ConfigError) -> None:
        """Use the reading that was kept; raise the error of the file if there is none."""
        try:
            reading = json.loads(self._kept.read_bytes()) if self._kept else {}
            self._named.begin(reading.get("named"))
            if reading.get("path") != str(path):
                raise error
            self._value, self.text = self._parsed(reading["text"], path), reading["text"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError):
            raise error from None
        self.problems = error.problems

    @staticmethod
    def _stat(path: Path) -> tuple[int, int] | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size)


def forget(kept: Path) -> None:
    """Forget a kept reading: a secret in it does not count any more."""
    kept.unlink(missing_ok=True)
