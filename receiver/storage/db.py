"""The pool and the named queries.

Every wait has a limit: an absent or overloaded database is a 503 within three seconds.
"""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import orjson
import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb, set_json_loads
from psycopg_pool import ConnectionPool

from receiver.storage.driver_errors import STALE, translated

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
WAIT_SECONDS = 2.5  # for a connection; the rest of the three is for the work
ANSWER_SECONDS = 6.0  # above the server's own limit: only a silent network takes so long
CHECK_SECONDS = 2.0  # for the check of an idle connection

# What answers depend on, whatever the defaults of the role, the database or the environment are.
STYLE = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
}
# Server-side limits, so that every statement ends before the sender's timeout (10 s at the forges).
LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "random_page_cost": "1.1",  # the data lies in memory or on an SSD
}


def _options(settings: Mapping[str, str]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


# A silent network is noticed within seconds; psycopg's own connect_timeout would be 130 s. What is
# named here counts above the URL, a service file and the environment (PGCLIENTENCODING):
# https://www.postgresql.org/docs/current/libpq-envars.html
NETWORK: dict[str, Any] = {
    # For pg_stat_activity, which may show many receivers; a name in the URL or PGAPPNAME wins.
    "fallback_application_name": f"milepost/{socket.gethostname()}"[:63],
    "client_encoding": "UTF8",  # in another one, JSON that we send as bytes would be stored wrongly
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

Row = dict[str, Any]
Connection = psycopg.Connection[Row]
Cursor = psycopg.Cursor[Row]
DriverError = psycopg.Error  # for callers; Database.transaction translates most of its kinds
Result = TypeVar("Result")

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
    options = _options(STYLE | LIMITS)
    connection = psycopg.connect(url, row_factory=dict_row, options=options, **NETWORK)
    _set_up(connection)
    return connection


def connect_without_limits(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Return a connection that commits each statement and waits for each, for migrations."""
    connection = psycopg.connect(url, autocommit=True, options=_options(STYLE), **NETWORK)
    _set_up(connection)
    return connection


def _set_up(connection: psycopg.Connection[Any]) -> None:
    """Undo what PGTZ and PGDATESTYLE set: libpq sends them beside `options`, and the server lets
    them win. Set the isolation level, for PgBouncer too: what is atomic here counts on it.

    https://github.com/postgres/postgres/blob/REL_17_STABLE/src/interfaces/libpq/fe-protocol3.c#L2335
    """
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    for name in ("TimeZone", "DateStyle"):
        value = STYLE[name.lower()]
        status = connection.info.parameter_status(name) or ""
        if not status.startswith(value):
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    if not connection.autocommit:
        connection.commit()


def url_parameters(url: str) -> dict[str, str]:
    """Return the parameters of a libpq URL.

    Raises ValueError. The driver's own error would quote a broken URL, password and all.
    """
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ValueError("no libpq URL") from None
    return {name: str(value) for name, value in parameters.items() if value}


class _TimedConnection(psycopg.Connection[Row]):
    """A connection with a timeout for each answer.

    The server's limits do not help on a network that drops every packet, nor for a COMMIT.
    """

    answer_seconds = ANSWER_SECONDS

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """Wait as psycopg does, but not for ever."""
        try:
            return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()  # else the rollback would wait as long again
            raise


def _check(connection: _TimedConnection) -> None:
    """Raise where an idle connection does not work any more."""
    connection.answer_seconds = CHECK_SECONDS
    ConnectionPool.check_connection(connection)
    connection.answer_seconds = ANSWER_SECONDS


class Database:
    """A pool of connections; `conninfo` may be a function that also starts the server.

    Without `sessions` nothing is set for longer than a transaction, because a PgBouncer that pools
    transactions does not keep it. It keeps what is prepared (`prepare`) from 1.21 on, where its
    max_prepared_statements is not 0:

    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html#pgbouncer
    """

    def __init__(
        self,
        conninfo: str | Callable[[], str],
        *,
        size: int,
        sessions: bool = True,
        prepare: bool = True,
    ) -> None:
        self._sessions = sessions
        # An empty `options` keeps PGOPTIONS out, which PgBouncer may refuse.
        session: dict[str, Any] = {"options": _options(STYLE | LIMITS) if sessions else ""}
        if not prepare:
            session["prepare_threshold"] = None
        # No max_waiting: it also counts callers whose wait timed out, so a pool that lost its last
        # connection would refuse everybody for ever. A worker has no more threads than may wait.
        self._pool: ConnectionPool[_TimedConnection] = ConnectionPool(
            conninfo,
            connection_class=_TimedConnection,
            kwargs={"row_factory": dict_row, **session, **NETWORK},
            min_size=1,
            max_size=size,
            timeout=WAIT_SECONDS,
            reconnect_timeout=5,
            configure=_set_up,
            check=_check,
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

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction, which commits at the end.

        Raises Unavailable where the database is away, SchemaMissing, Contended, Invalid.
        """
        try:
            with self._pool.connection() as connection:
                if not self._sessions:
                    connection.execute(query("db/limit_transaction"), STYLE | LIMITS)
                yield connection
        except psycopg.Error as error:
            if isinstance(error, STALE):
                self._pool.drain()
            told = translated(error)
            if told is None:
                raise
            raise told from error


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
