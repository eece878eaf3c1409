"""The pool, the named queries, and the translation of the driver's errors.

Every wait is bounded: an absent or overloaded database is a 503 within about three seconds.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from receiver import log
from receiver.errors import Contended, Invalid, Unavailable

SQL_DIR = Path(__file__).resolve().parent.parent / "sql"
WAIT_SECONDS = 3.0

# Server-side limits, so that no statement outlives the sender's patience (10 s at the forges).
OPTIONS = (
    "-c statement_timeout=5s -c lock_timeout=2s "
    "-c idle_in_transaction_session_timeout=10s -c timezone=UTC "
    "-c random_page_cost=1.1"  # what a page asks for lies in memory or on an SSD, never on a disk
)

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

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)


@cache
def query(name: str) -> bytes:
    """The statement in sql/queries/<name>.sql."""
    return (SQL_DIR / "queries" / f"{name}.sql").read_bytes()


def array(ids: Iterable[UUID]) -> str:
    """Ids as PostgreSQL writes an array; the driver would look at each of a list twice."""
    return f"{{{','.join(map(str, ids))}}}"


def connect(url: str) -> Connection:
    """One connection outside a pool, for commands."""
    return psycopg.connect(url, row_factory=dict_row, options=OPTIONS, **NETWORK)


class Database:
    """A pool of connections; `conninfo` may be a function that also revives the server."""

    def __init__(self, conninfo: str | Callable[[], str], *, size: int) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            conninfo,
            kwargs={"row_factory": dict_row, "options": OPTIONS, **NETWORK},
            min_size=1,
            max_size=size,
            max_waiting=32,
            timeout=WAIT_SECONDS,
            reconnect_timeout=5,
            check=ConnectionPool.check_connection,
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
                yield connection
        except (PoolTimeout, TooManyRequests) as error:
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


def _reason(error: psycopg.OperationalError) -> str:
    code = error.sqlstate or ""
    if code.startswith("53"):
        return "The database is out of resources."
    return "The database is busy." if code in ("55P03", "57014") else "It went away."
