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

        Raises Unavailable as soon as the commit before takes long.
        """
        with self._changed:
            is_over = self._changed.wait_for(self._is_free_or_slow, SLOW_SECONDS)
            if not is_over or self._began is not None:
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
    ) -> "Hanging":
        """Wait in a thread until the commit of this connection is answered; then close and release
        the connection, and give its turn back.

        `look` returns why commits hang on the server that takes changes, None where none does: then
        that server is another one by now, and waiting is in vain. It raises psycopg.Error.
        """
        hanging = Hanging(connection)
        with self._changed:
            self._changed.notify_all()  # whoever waits for the turn has a connection, too

        def finish() -> None:
            log.get().warning("slow commit", seconds=round(self.waiting_seconds(), 1))
            try:
                connection.close()
                release()
            finally:
                self.end()
                hanging.ended.set()

        def wait() -> None:
            try:
                self._wait(hanging, look)
            finally:
                finish()

        try:
            threading.Thread(target=wait, name="hanging-commit", daemon=True).start()
        except RuntimeError:  # the system has no more threads
            finish()
        return hanging

    def _is_free_or_slow(self) -> bool:
        return self._began is None or bool(self.waiting_seconds())

    def end(self) -> None:
        """Give the turn back."""
        with self._changed:
            self._began, self._reason = None, ""
            self._changed.notify()

    def _wait(self, hanging: "Hanging", look: Look) -> None:
        seconds = 0.0
        while not hanging.is_answered(seconds):
            try:
                reason = look()
            except (psycopg.Error, MilepostError):
                reason = "the database does not answer"
            if reason is None and not hanging.is_answered(0.0):
                return
            self._reason, seconds = reason or "", LOOK_SECONDS


class Hanging:
    """A commit without an answer yet. `ended` is set once nobody waits for one any more."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.ended = threading.Event()
        self._server = connection.pgconn
        self._is_committed = False

    def is_committed(self, seconds: float) -> bool:
        """Return whether the commit succeeded, within so many seconds."""
        return self.ended.wait(seconds) and self._is_committed

    def is_answered(self, seconds: float) -> bool:
        """Wait at most so long; return whether the whole answer has come, or none will."""
        try:
            with DefaultSelector() as selector:
                selector.register(self._server.socket, EVENT_READ)
                if not selector.select(seconds):
                    return False
            self._server.consume_input()
            while not self._server.is_busy():
                result = self._server.get_result()
                if result is None:
                    return True
                self._is_committed = result.command_status == b"COMMIT"
        except psycopg.OperationalError:  # the connection is lost
            return True
        return False


COMMITS = Commits()  # of this process, whatever its pools
