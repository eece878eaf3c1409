"""The pool, the named queries, and the translation of the driver's errors.

Every wait has a limit: an absent or overloaded database is a 503 within three seconds.
"""

from collections.abc import Callable, Iterable, Iterator
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
from psycopg_pool import ConnectionPool, PoolTimeout

from receiver import log
from receiver.errors import Contended, Invalid, MigrationError, MilepostError, Unavailable

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
WAIT_SECONDS = 2.5  # for a connection; the rest of the three is for the work
ANSWER_SECONDS = 6.0  # above the server's own limit: only a silent network takes so long
CHECK_SECONDS = 2.0  # for the check of an idle connection

# Server-side limits, so that every statement ends before the sender's timeout (10 s at the forges).
LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
    "random_page_cost": "1.1",  # the data lies in memory or on an SSD
}
OPTIONS = " ".join(f"-c {name}={value}" for name, value in LIMITS.items())

# A silent network is noticed within seconds; psycopg's own connect_timeout would be 130 s.
NETWORK: dict[str, Any] = {
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
    return psycopg.connect(url, row_factory=dict_row, options=OPTIONS, **NETWORK)


def url_parameters(url: str) -> dict[str, str]:
    """Return the parameters of a libpq URL.

    Raises ValueError. The driver's own error would quote a broken URL, password and all.
    """
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ValueError("no libpq URL") from None
    return {name: str(value) for name, value in parameters.items() if value}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise the driver's errors as MilepostError, for commands."""
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise MigrationError("The schema is old: run milepost migrate") from error
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database is away: {error}") from error
    except psycopg.Error as error:
        raise MilepostError(f"The database refuses this: {error}") from error


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

    Without `prepare` there are no prepared statements and no session settings, because a PgBouncer
    that pools transactions does not keep them.
    """

    def __init__(
        self, conninfo: str | Callable[[], str], *, size: int, prepare: bool = True
    ) -> None:
        self._prepare = prepare
        session = {"options": OPTIONS} if prepare else {"prepare_threshold": None}
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

        Raises Unavailable where the database is away, Contended, Invalid.
        """
        try:
            with self._pool.connection() as connection:
                if not self._prepare:
                    connection.execute(query("db/limit_transaction"), LIMITS)
                yield connection
        except PoolTimeout as error:
            raise Unavailable("The database did not answer in time.") from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            self._pool.drain()  # a demoted primary still passes the pool's check
            raise Unavailable("The database is read-only.") from error
        except psycopg.errors.FeatureNotSupported as error:
            self._pool.drain()  # a migration made a prepared statement stale
            raise Unavailable("The schema changed meanwhile.") from error
        except psycopg.errors.IdleInTransactionSessionTimeout as error:
            raise Unavailable("The database waited too long for us.") from error
        except psycopg.errors.ForeignKeyViolation as error:
            raise Contended("A name was merged meanwhile.") from error
        except psycopg.errors.DeadlockDetected as error:
            raise Contended("The database is busy.") from error
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
            # Our checks missed it. A 503 would be wrong: trying again does not help.
            log.unexpected(error)
            raise Invalid("The database cannot hold such a value.") from error
        except psycopg.OperationalError as error:
            raise Unavailable(_reason(error)) from error


@contextmanager
def open_database(conninfo: str | Callable[[], str], *, prepare: bool = True) -> Iterator[Database]:
    """Open a pool of one connection, and close it at the end."""
    database = Database(conninfo, size=1, prepare=prepare)
    database.open()
    try:
        yield database
    finally:
        database.close()


def _reason(error: psycopg.OperationalError) -> str:
    code = error.sqlstate or ""
    if code.startswith("53"):
        return "The database is out of resources."
    return "The database is busy." if code in ("55P03", "57014") else "It went away."
