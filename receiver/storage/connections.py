"""Connections: their settings, whatever the role or the environment says, and their time limits."""

import socket
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from receiver.storage.commits import COMMITS, SLOW_SECONDS, Unanswered

ANSWER_SECONDS = 6.0  # above the server's own limit: only a silent network takes so long
CHECK_SECONDS = 2.0  # for the check of an idle connection

# What answers depend on, whatever the defaults of the role, the database or the environment are.
STYLE = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
    "client_min_messages": "warning",  # a commit that is not confirmed is told as one
}
# Server-side limits, so that every statement ends before the sender's timeout (10 s at the forges).
LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "random_page_cost": "1.1",  # the data lies in memory or on an SSD
}


def options(settings: Mapping[str, str]) -> str:
    """Return settings as libpq's parameter `options`."""
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

SEVERAL_HOSTS_TIMEOUT = (
    2  # seconds for each, so that the second one is reached within the pool's wait
)

Result = TypeVar("Result")


def network(conninfo: str | Callable[[], str]) -> dict[str, Any]:
    """Return the settings of the network for the host, or the hosts, of this URL."""
    if callable(conninfo) or "," not in "".join(_hosts(conninfo)):
        return NETWORK
    return NETWORK | {"connect_timeout": SEVERAL_HOSTS_TIMEOUT}


def _hosts(url: str) -> tuple[str, str]:
    parameters = url_parameters(url)
    return parameters.get("host", ""), parameters.get("hostaddr", "")


def set_up(connection: psycopg.Connection[Any]) -> None:
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


class TimedConnection(psycopg.Connection[dict[str, Any]]):
    """A connection with a timeout for each answer.

    The server's limits do not help on a network that drops every packet, nor for a COMMIT.
    """

    answer_seconds = ANSWER_SECONDS
    is_unconfirmed = _is_committing = False

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """Wait as psycopg does, but not for ever. Raises Unanswered for commit_in_turn."""
        patience = SLOW_SECONDS if self._is_committing else self.answer_seconds
        try:
            return super().wait(gen, interval, patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if self._is_committing:
                raise Unanswered from None
            self.pgconn.finish()  # else the rollback would wait as long again
            raise

    def commit_in_turn(self, statement: bytes | None = None) -> None:
        """Commit while no other change of this process does, with this statement if there is one.

        Raises Unanswered, Unavailable. `is_unconfirmed` tells whether its wait was ended.
        """
        with COMMITS.turn():
            self._is_committing, self.is_unconfirmed = True, False
            try:
                if statement:
                    self.execute(statement, prepare=False)
                self.commit()
            except Unanswered:  # a note may still come
                raise
            except BaseException:
                self._is_committing = False
                raise
        self._is_committing = False

    def note(self, notice: psycopg.errors.Diagnostic) -> None:
        """Note a warning at a commit: an administrator ended its wait for the standby.

        https://github.com/postgres/postgres/blob/REL_17_STABLE/src/backend/replication/syncrep.c#L290
        """
        if self._is_committing and notice.severity_nonlocalized == "WARNING":
            self.is_unconfirmed = True


def check_idle(connection: TimedConnection) -> None:
    """Raise where an idle connection does not work any more."""
    connection.answer_seconds = CHECK_SECONDS
    ConnectionPool.check_connection(connection)
    connection.answer_seconds = ANSWER_SECONDS


def set_up_of_pool(connection: TimedConnection) -> None:
    """Set up a new connection of a pool."""
    set_up(connection)
    connection.add_notice_handler(connection.note)
