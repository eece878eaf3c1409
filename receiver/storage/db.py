"""The pool, the named queries, and the translation of the driver's errors.

Every wait is bounded: an absent or overloaded database is a 503 within three seconds.
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
WAIT_SECONDS = 2.5  # what is done besides takes the rest of the three

ANSWER_SECONDS = 6.0  # more than the server's own limit: only a silent network waits so long
CHECK_SECONDS = 2.0  # for a connection that was idle to show that it works

# Server-side limits, so that no statement outlives the sender's patience (10 s at the forges).
LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
    "random_page_cost": "1.1",  # what is asked for lies in memory or on an SSD, never on a disk
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
DriverError = psycopg.Error  # what Database.transaction leaves as it is: the schema does not fit
Answer = TypeVar("Answer")

set_json_loads(orjson.loads)


@cache
def query(name: str) -> bytes:
    """The statement in sql/queries/<name>.sql; `name` is folder and file: "record/lock_builds"."""
    return (SQL_DIR / "queries" / f"{name}.sql").read_bytes()


def array(ids: Iterable[UUID]) -> str:
    """Ids as PostgreSQL writes an array; the driver would look at each of a list twice."""
    return f"{{{','.join(map(str, ids))}}}"


def as_json(value: object) -> Jsonb:
    """Rows, or one value, as a parameter of type JSONB; encoded to bytes, since in a text one wide
    character would make all of it four times as long."""
    return Jsonb(value, dumps=msgspec.json.encode)


def connect(url: str) -> Connection:
    """One connection outside a pool, for commands."""
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


class _Impatient(psycopg.Connection[Row]):
    """A connection that waits for each answer so long and no longer. The limits of the server
    cannot pass a network that swallows everything, nor do they hold for a COMMIT."""

    patience = ANSWER_SECONDS

    def wait(
        self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None
    ) -> Answer:
        """As psycopg's own, with an end."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()  # else its rollback would wait as long once more
            raise


def _check(connection: _Impatient) -> None:
    """Raise where a connection that was idle does not work any more."""
    connection.patience = CHECK_SECONDS
    ConnectionPool.check_connection(connection)
    connection.patience = ANSWER_SECONDS


class Database:
    """A pool of connections; `conninfo` may be a function that also revives the server.

    Without `prepare` nothing outlives a transaction, as a PgBouncer that pools transactions
    demands: no prepared statement, no setting of a session.
    """

    def __init__(
        self, conninfo: str | Callable[[], str], *, size: int, prepare: bool = True
    ) -> None:
        self._prepare = prepare
        session = {"options": OPTIONS} if prepare else {"prepare_threshold": None}
        # No max_waiting: it also counts who waited in vain, so that a pool which lost its last
        # connection would refuse everybody for ever. A worker has no more threads than may wait.
        self._pool: ConnectionPool[_Impatient] = ConnectionPool(
            conninfo,
            connection_class=_Impatient,
            kwargs={"row_factory": dict_row, **session, **NETWORK},
            min_size=1,
            max_size=size,
            timeout=WAIT_SECONDS,
            reconnect_timeout=5,
            check=_check,
            open=False,
        )

    def open(self) -> None:
        """Start connecting in the background; an absent database is no error here."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """Give every connection back to the server."""
        self._pool.close()

    def stats(self) -> dict[str, int]:
        """The pool's figures: pool_size, pool_available, requests_waiting and more.

        https://www.psycopg.org/psycopg3/docs/advanced/pool.html#pool-stats
        """
        return self._pool.get_stats()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection in a transaction, committed at the end; Unavailable when it is away."""
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
            self._pool.drain()  # a prepared statement that a migration made stale
            raise Unavailable("The schema changed meanwhile.") from error
        except psycopg.errors.IdleInTransactionSessionTimeout as error:
            raise Unavailable("The database waited too long for us.") from error
        except psycopg.errors.ForeignKeyViolation as error:
            raise Contended("A name was merged meanwhile.") from error
        except psycopg.errors.DeadlockDetected as error:
            raise Contended("The database is busy.") from error
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
            # A check of ours missed it. To be told to try again would help no sender.
            log.unexpected(error)
            raise Invalid("The database cannot hold such a value.") from error
        except psycopg.OperationalError as error:
            raise Unavailable(_reason(error)) from error


@contextmanager
def opened(conninfo: str | Callable[[], str], *, prepare: bool = True) -> Iterator[Database]:
    """A pool of one connection for as long as this lasts."""
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
