"""The pool and the named queries.

Every wait has a limit: an absent or overloaded database is a 503 within three seconds.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import orjson
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb, set_json_loads
from psycopg_pool import ConnectionPool

from receiver.errors import HttpError
from receiver.storage.commits import COMMITS, SLOW_SECONDS, UNKNOWN, Unanswered, unconfirmed
from receiver.storage.connections import (
    ANSWER_SECONDS,
    CHECK_SECONDS,
    LIMITS,
    STYLE,
    TimedConnection,
    check_idle,
    network,
    options,
    set_up,
    set_up_of_pool,
)
from receiver.storage.driver_errors import STALE, translated

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
WAIT_SECONDS = 2.5  # for a connection; the rest of the three is for the work
HASTY_SECONDS = 0.4  # for the connection of what can be done later
CONFIRM_SECONDS = ANSWER_SECONDS - SLOW_SECONDS  # for a slow commit, before it is answered 503
STANDBY_SILENT = "the standby does not confirm"

Row = dict[str, Any]
Question = tuple[bytes, Row]  # a statement with its parameters, to be asked later
Connection = psycopg.Connection[Row]
Cursor = psycopg.Cursor[Row]
DriverError = psycopg.Error  # for callers; Database.transaction translates most of its kinds

set_json_loads(orjson.loads)


@cache
def query(name: str) -> bytes:
    """Return the statement in sql/queries/<name>.sql; a name is as "record/lock_builds"."""
    return (SQL_DIR / "queries" / f"{name}.sql").read_bytes()


def array(ids: Iterable[UUID]) -> str:
    """Return ids as PostgreSQL writes an array; for a list, the driver looks at each id twice."""
    return f"{{{','.join(map(str, ids))}}}"


def as_json(value: object) -> Jsonb:
    """Return rows, or one value, as a JSONB parameter.

    It is encoded to bytes: in a text, one wide character makes all of it four times as long.
    """
    return Jsonb(value, dumps=msgspec.json.encode)


def connect(url: str) -> Connection:
    """Return a connection outside a pool, for commands."""
    connection = psycopg.connect(
        url, row_factory=dict_row, options=options(STYLE | LIMITS), **network(url)
    )
    set_up(connection)
    return connection


def connect_without_limits(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Return a connection that commits each statement and waits for each, for migrations."""
    connection = psycopg.connect(url, autocommit=True, options=options(STYLE), **network(url))
    set_up(connection)
    return connection


class Database:
    """A pool of connections; `conninfo` may be a function that also starts the server.

    Without `sessions` nothing is set for longer than a transaction, because a PgBouncer that pools
    transactions does not keep it. It keeps what is prepared (`prepare`) from 1.21 on, where its
    max_prepared_statements is not 0:

    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html#pgbouncer

    With `confirms` a transaction waits for the standbys that must confirm even if it wrote nothing,
    because its answer promises what another transaction wrote.
    """

    def __init__(
        self,
        conninfo: str | Callable[[], str],
        *,
        size: int,
        sessions: bool = True,
        prepare: bool = True,
        confirms: bool = False,
    ) -> None:
        self._conninfo, self._sessions, self._confirms = conninfo, sessions, confirms
        self._reads_only, self._wait_seconds = False, WAIT_SECONDS
        # An empty `options` keeps PGOPTIONS out, which PgBouncer may refuse.
        session: dict[str, Any] = {"options": options(STYLE | LIMITS) if sessions else ""}
        if not prepare:
            session["prepare_threshold"] = None
        self._settings: dict[str, Any] = {"row_factory": dict_row, **session, **network(conninfo)}
        # No max_waiting: it also counts callers whose wait timed out, so a pool that lost its last
        # connection would refuse everybody for ever. A worker has no more threads than may wait.
        self._pool: ConnectionPool[TimedConnection] = ConnectionPool(
            conninfo,
            connection_class=TimedConnection,
            kwargs=self._settings,
            min_size=1,
            max_size=size,
            reconnect_timeout=5,
            configure=set_up_of_pool,
            check=check_idle,
            open=False,
        )

    def open(self) -> None:
        """Connect in the background; an absent database is no error here."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def stats(self) -> dict[str, int]:
        """Return the pool's statistics: pool_size, pool_available, requests_waiting and more.

        https://www.psycopg.org/psycopg3/docs/advanced/pool.html#pool-stats
        """
        return self._pool.get_stats()

    def reading(self) -> "Database":
        """Return the same pool for transactions that change nothing: they go on while a commit
        hangs, and work on a standby."""
        reader = copy(self)
        reader._reads_only = True
        return reader

    def hasty(self) -> "Database":
        """Return the same pool for what can be done later: it waits for a connection for a moment
        alone, so that the request that comes behind it is not late."""
        hasty = copy(self)
        hasty._wait_seconds = HASTY_SECONDS
        return hasty

    def read_only_reason(self) -> str | None:
        """Return why the database takes no changes; None where it takes them."""
        with self.reading().transaction() as connection:
            row = connection.execute(query("db/read_only")).fetchone() or {}
        if row["is_standby"]:
            return "the database is a standby"
        return "the database is read-only" if row["is_read_only"] else None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction, which commits at the end.

        Raises Unavailable where the database is away or does not confirm a change, ReadOnly,
        SchemaMissing, Contended, Invalid.
        """
        if not self._reads_only:
            COMMITS.refuse_changes()
        is_standby = False
        try:
            with self._borrowed() as connection:
                is_standby = connection.info.parameter_status("in_hot_standby") == "on"
                if not self._sessions:
                    connection.execute(query("db/limit_transaction"), STYLE | LIMITS)
                yield connection
        except HttpError as error:
            if (
                error.status == 409 and self._confirms and not self._reads_only
            ):  # it says what another transaction wrote
                with self.transaction():
                    pass
            raise
        except psycopg.Error as error:
            if isinstance(error, STALE):
                self._pool.drain()
            told = translated(error, is_standby=is_standby)
            if told is None:
                raise
            raise told from error

    @contextmanager
    def _borrowed(self) -> Iterator[TimedConnection]:
        """Yield a connection of the pool; commit what is done, and give it back."""
        connection = self._pool.getconn(self._wait_seconds)
        try:
            if not self._reads_only:
                COMMITS.refuse_changes()  # a commit may have got slow in the meantime
            if bool(connection.read_only) != self._reads_only:
                connection.read_only = self._reads_only or None
            yield connection
            if self._reads_only:
                connection.commit()
            else:
                connection.commit_in_turn(query("db/commit") if self._confirms else None)
        except Unanswered:
            release = partial(self._pool.putconn, connection)
            hanging = COMMITS.watch(connection, self._look, release)
            if not hanging.is_committed(CONFIRM_SECONDS):
                raise unconfirmed(COMMITS.reason or UNKNOWN) from None
        except BaseException:
            with suppress(psycopg.Error):  # the pool replaces what is broken
                connection.rollback()
            self._pool.putconn(connection)
            raise
        else:
            self._pool.putconn(connection)
        if connection.is_unconfirmed and not self._reads_only:
            raise unconfirmed("somebody ended the wait for the standby")

    def _look(self) -> str | None:
        """Return why commits hang on the server that takes changes, None where none does."""
        conninfo = self._conninfo() if callable(self._conninfo) else self._conninfo
        with TimedConnection.connect(conninfo, autocommit=True, **self._settings) as connection:
            connection.answer_seconds = CHECK_SECONDS
            row = connection.execute(query("db/hanging_commit"), prepare=False).fetchone()
        if row is None:
            if not self._pool.closed:
                self._pool.drain()  # its other connections lead to where the commit hangs
            return None
        return STANDBY_SILENT if row["of_standby"] else "the database does not finish a commit"


@contextmanager
def open_database(
    conninfo: str | Callable[[], str], *, sessions: bool = True, prepare: bool = True
) -> Iterator[Database]:
    """Open a pool of one connection, and close it at the end."""
    database = Database(conninfo, size=1, sessions=sessions, prepare=prepare)
    database.open()
    try:
        yield database
    finally:
        database.close()
