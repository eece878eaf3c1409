"""Settings in the database, as a process holds them: read again where their version changed.

All versions come in one question, at most once a second for a process. Where the database is away
the last good reading counts.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar

from receiver import log
from receiver.errors import ON_STANDBY, ConfigError, HttpError, ReadOnly, SchemaMissing, Unavailable
from receiver.storage import settings
from receiver.storage.db import Connection, Database, DriverError

ASK_SECONDS = 1.0
MOST_TRIED = 20  # documents of one kind, until one is found that this release understands

T = TypeVar("T")


class StoredSetting(Generic[T]):
    """One kind. `problems` are those of the newest version; then the last good reading counts."""

    def __init__(
        self,
        kind: str,
        read: Callable[[Connection], tuple[T, tuple[str, ...]]],
        stamp: Callable[[], object] = lambda: None,
    ) -> None:
        """`read` returns the value and its problems. Raises ConfigError where nothing is right.

        `stamp` is of the files that a reading needs: it is another one once they changed.
        """
        self.kind, self._read, self._stamp = kind, read, stamp
        self._stamped: object = None
        self.version: int | None = None  # None: never read
        self.problems: tuple[str, ...] = ()
        self._values: list[T] = []

    @property
    def is_read(self) -> bool:
        """Whether there is a reading."""
        return bool(self._values)

    def get(self) -> T:
        """Return the last good reading. Raises Unavailable where there is none yet."""
        if not self._values:
            raise Unavailable(f"The {self.kind} in the database cannot be read yet.")
        return self._values[0]

    def renew(self, connection: Connection, version: int) -> None:
        """Read again if this is another version."""
        stamp = self._stamp()
        if (version, stamp) == (self.version, self._stamped):
            return
        try:
            value, self.problems = self._read(connection)
            self._values = [value]
        except ConfigError as error:
            self.problems = error.problems
        except (HttpError, DriverError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever is there, the last reading counts
            name = type(error).__name__  # its text may hold a secret
            self.problems = (f"{self.kind}: the database holds what cannot be read ({name}).",)
        self.version, self._stamped = version, stamp
        if self.problems:
            log.get().error("settings refused", kind=self.kind, problems=self.problems)


class StoredSettings:
    """Every kind, and when the database was asked for their versions."""

    def __init__(self, kinds: Mapping[str, StoredSetting[Any]]) -> None:
        self.kinds = dict(kinds)
        self._database: Database | None = None
        self._lock = Lock()
        self._begun = self._ended = self._failed = float("-inf")
        self._failure: Exception | None = None

    def bind(self, database: Database) -> None:
        """Ask this database from now on."""
        self._database = database

    def get(self, kind: str) -> Any:
        """Return what is set. Raises Unavailable where the database could not be read yet, with the
        reason."""
        if isinstance(self._failure, SchemaMissing) and not self._is_read():
            raise SchemaMissing
        return self.kinds[kind].get()

    def problems(self) -> dict[str, tuple[str, ...]]:
        """Return the problems of each kind whose newest version is wrong."""
        return {name: each.problems for name, each in self.kinds.items() if each.problems}

    def renew(self) -> None:
        """Ask the database, if nobody has within the last second; while it is away all stays.

        While one thread asks, the others go on with the last reading. Without any they wait; with
        one the question waits for a connection for a moment alone.
        """
        if not self._is_read():
            with suppress(Unavailable):
                self.renew_now()
        elif time.monotonic() - self._ended >= ASK_SECONDS and self._lock.acquire(blocking=False):
            try:
                with suppress(Unavailable):
                    self._ask(self._database and self._database.hasty())
            finally:
                self._lock.release()

    def renew_now(self) -> None:
        """Ask once more, before a refusal: what was changed before this call is known after it.

        Raises Unavailable where the database does not answer.
        """
        called = time.monotonic()
        with self._lock:
            if self._begun >= called:  # another thread has asked meanwhile
                return
            if self._failed >= called:
                raise Unavailable("The database does not answer.")
            self._ask(self._database)

    def require_primary(self) -> None:
        """Raise ReadOnly where the database takes no changes: nobody is refused by what a standby
        does not have yet."""
        if self._database and self._database.read_only_reason():
            raise ReadOnly(ON_STANDBY)

    def read(self, connection: Connection) -> None:
        """Read what has another version than the last reading."""
        versions = settings.versions(connection)
        for name, each in self.kinds.items():
            each.renew(connection, versions.get(name, 0))

    @property
    def is_answered(self) -> bool:
        """Whether the database answered the last question."""
        return self._failure is None

    def _is_read(self) -> bool:
        return all(each.version is not None for each in self.kinds.values())

    def _ask(self, database: Database | None) -> None:
        """Raises Unavailable."""
        begun = time.monotonic()
        try:
            if database is None:
                raise Unavailable("No database is known here.")
            with database.transaction() as connection:
                self.read(connection)
        except (HttpError, DriverError) as error:
            self._failed, self._failure = time.monotonic(), error
            raise Unavailable("The database does not answer.") from error
        else:
            self._begun, self._failure = begun, None
        finally:
            self._ended = time.monotonic()


def stored_document(
    kind: str, parse: Callable[[str, str], T], empty: T
) -> StoredSetting[tuple[int, T]]:
    """Return a kind that is one document: its version, and what is parsed. 0 and `empty` without
    one."""
    return StoredSetting(kind, partial(read_document, kind, parse, empty))


def read_document(
    kind: str, parse: Callable[[str, str], T], empty: T, connection: Connection
) -> tuple[tuple[int, T], tuple[str, ...]]:
    """Return version and contents of the newest document that this release understands, and the
    problems of the newest one: a newer release may have written it.

    Raises ConfigError where it understands none.
    """
    problems: tuple[str, ...] = ()
    version = None
    for _ in range(MOST_TRIED):
        row = settings.read_document(connection, kind, version)
        if row is None:
            break
        version = row["version"]
        try:
            return (version, parse(row["document"], f"{kind}, version {version}")), problems
        except ConfigError as error:
            problems = problems or error.problems
    if problems:
        raise ConfigError(problems)
    return (0, empty), ()
