"""Commits, one at a time in each process; one that is not answered is waited for, never abandoned.

A backend that waits for a synchronous standby waits on when its client goes, so a client that asks
again on a new connection uses up all of them:
https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from typing import Any

import psycopg

from receiver import log
from receiver.errors import MilepostError, Unavailable

SLOW_SECONDS = 2.0  # of a commit, until others are refused; shorter than the wait for a connection
RETRY_SECONDS = 5
LOOK_SECONDS = 1.0  # between two looks at a commit that hangs
UNKNOWN = "a commit is not confirmed in time"

Look = Callable[[], str | None]


class Unanswered(Exception):
    """A COMMIT was sent and has no answer yet."""


def unconfirmed(reason: str = UNKNOWN) -> Unavailable:
    """Return the error of a change whose commit is not confirmed, for this reason."""
    return Unavailable(f"{reason.capitalize()}.", retry_after=RETRY_SECONDS)


class Commits:
    """Whose turn it is to commit. A commit that hangs keeps its turn, and a thread waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._began: float | None = None  # when the commit in progress was sent
        self._reason = ""

    def waiting_seconds(self) -> float:
        """Return for how long a commit is not answered; 0 where none takes long."""
        began = self._began
        seconds = time.monotonic() - began if began is not None else 0.0
        return seconds if seconds > SLOW_SECONDS else 0.0

    @property
    def reason(self) -> str:
        """Why changes are refused; empty while they are taken."""
        return (self._reason or UNKNOWN) if self.waiting_seconds() else ""

    def refuse_changes(self) -> None:
        """Raise Unavailable while a commit of this process takes long."""
        if reason := self.reason:
            raise unconfirmed(reason)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn for one commit; the end of Unanswered does not give it back.

        Raises Unavailable where the commit before takes long.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._began is None, SLOW_SECONDS):
                raise unconfirmed()
            self._began = time.monotonic()
        try:
            yield
        except Unanswered:
            raise
        except BaseException:
            self.end()
            raise
        self.end()

    def watch(
        self, connection: psycopg.Connection[Any], look: Look, release: Callable[[], None]
    ) -> None:
        """Wait in a thread until the commit of this connection is answered; then close and release
        the connection, and give its turn back.

        `look` returns why commits hang on the server that takes changes, None where none does: then
        that server is another one by now, and waiting is in vain. It raises psycopg.Error.
        """

        def wait() -> None:
            log.get().warning("commit hangs")
            try:
                self._wait(connection, look)
            finally:
                seconds = round(self.waiting_seconds(), 1)
                connection.close()
                release()
                self.end()
                log.get().warning("commit hangs no more", seconds=seconds)

        threading.Thread(target=wait, name="hanging-commit", daemon=True).start()

    def end(self) -> None:
        """Give the turn back."""
        with self._changed:
            self._began, self._reason = None, ""
            self._changed.notify()

    def _wait(self, connection: psycopg.Connection[Any], look: Look) -> None:
        while not is_answered(connection):
            try:
                reason = look()
            except (psycopg.Error, MilepostError):
                reason = "the database does not answer"
            if reason is None:
                return
            self._reason = reason


def is_answered(connection: psycopg.Connection[Any]) -> bool:
    """Wait a moment; return whether the whole answer has come, or none will."""
    server = connection.pgconn
    try:
        with DefaultSelector() as selector:
            selector.register(server.socket, EVENT_READ)
            if not selector.select(LOOK_SECONDS):
                return False
        server.consume_input()
        while not server.is_busy():
            if server.get_result() is None:
                return True
    except psycopg.OperationalError:  # the connection is lost
        return True
    return False


COMMITS = Commits()  # of this process, whatever its pools
