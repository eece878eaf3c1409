"""gunicorn's threaded worker, whose other clients no slow client can stop.

It overrides private parts of gunicorn, so pyproject.toml pins the tested minor release. The comment
above each override names the test in tests/server/test_connections.py that fails without it.
"""

import socket
import time
from concurrent.futures import Future
from typing import Any, cast

from flask import Flask
from gunicorn import util
from gunicorn.workers import gthread

from receiver.server import bad_request

READ_SECONDS = 5.0
SILENT_SECONDS = 0.1
READ_BYTES = 2**16
# The result of handle() for a connection that the loop must watch without a thread.
DEFER = gthread._DEFER  # type: ignore[attr-defined]  # its stubs leave it out


class Connection(gthread.TConn):
    """A connection that never waits for ever."""

    data_seconds = SILENT_SECONDS
    deadline = 0.0  # of the monotonic clock, once the answer has ended

    # test_stalled_senders_do_not_stop_the_others
    def init(self) -> None:
        """Set a read timeout before each request: without one, half a request holds its thread for
        ever (https://github.com/benoitc/gunicorn/issues/2652)."""
        super().init()
        self.sock.settimeout(READ_SECONDS)

    # test_silent_connections_do_not_stop_the_others
    def wait_for_data(self, _timeout: float | None) -> bool:
        """Wait only a moment for a new connection's data, in a thread; then the loop watches it.
        Browsers open connections that they may need later, and 16 would stop all others."""
        return bool(super().wait_for_data(self.data_seconds))

    # test_ending_worker_answers_clients_that_are_still_sending
    def close(self, graceful: bool = False) -> None:  # noqa: ARG002  # gunicorn names it
        """Close at once, since handle() has waited for the client. gunicorn would wait here, two
        seconds in the worker's only loop, and count a connection twice that is closed already."""
        super().close()

    def end(self) -> None:
        """Send the end of the stream. The client has as long to close as it has to ask again."""
        self.deadline = time.monotonic() + self.cfg.keepalive
        self.sock.shutdown(socket.SHUT_WR)
        self.sock.setblocking(False)

    def drain(self) -> bool:
        """Discard data that still comes. Return False once the client has closed or the deadline
        has passed. close() with unread data resets the connection, and the answer would be lost
        (https://www.rfc-editor.org/rfc/rfc9112#section-9.6)."""
        try:
            return bool(self.sock.recv(READ_BYTES)) and time.monotonic() < self.deadline
        except BlockingIOError:
            return True


class Worker(gthread.ThreadWorker):
    """gunicorn's threaded worker with the connection above."""

    def init_process(self) -> None:
        """Put the connection class in its place: accept() looks it up in its module."""
        gthread.TConn = Connection  # type: ignore[misc]  # the only way in
        super().init_process()

    # test_a_worker_without_a_free_thread_leaves_new_connections_to_the_other
    @property
    def worker_connections(self) -> int:
        """Return the limit of connections: the idle ones, and one for each thread. The other worker
        may accept a connection that no thread here is free for, or it waits at the listener."""
        idle = len(self.keepalived_conns) + len(self.pending_conns)
        return min(idle + int(self.cfg.threads), int(self.cfg.worker_connections))

    @worker_connections.setter
    def worker_connections(self, _limit: int) -> None:
        """gunicorn sets it once, to its setting."""

    # test_busy_clients_leave_room_for_new_connections
    def finish_request(self, conn: gthread.TConn, fs: Future[Any]) -> None:
        """Accept a new connection when a thread becomes free. Otherwise connections that are kept
        alive and busy would keep all threads."""
        super().finish_request(conn, fs)
        is_full = not self._accepting  # type: ignore[attr-defined]  # its stubs leave it out
        if self.alive and is_full and self.nr_conns < self.cfg.worker_connections:
            for listener in self.sockets:
                self.accept(listener)

    # test_clients_that_never_close_do_not_stop_the_others
    # test_client_that_still_sends_receives_the_answer
    def handle(self, conn: gthread.TConn) -> Any:
        """Serve a readable connection in a thread, and return its further treatment."""
        connection = cast(Connection, conn)
        if connection.deadline:
            return self._linger(connection)
        result = super().handle(connection)
        # test_ending_worker_answers_a_new_client_that_is_silent_at_first
        if result is DEFER and not self.alive:  # the loop ends, and watches no new connection
            connection.data_seconds = READ_SECONDS
            result = super().handle(connection)
        return result or self._linger(connection)

    def _linger(self, connection: Connection) -> Any:
        """Let the loop watch the connection until its client closes it."""
        # test_ending_worker_waits_two_seconds_for_clients_that_do_not_close
        if not self.alive:  # the loop ends: wait in this thread
            util.close_graceful(connection.sock)
            return False
        try:
            if not connection.deadline:
                connection.end()
            return DEFER if connection.drain() else False
        except OSError:
            return False

    # test_worker_that_ends_while_it_enables_accepting_closes_its_listener_once
    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Never accept again once the worker ends. When the whole receiver ends, serve all that
        wait at the listeners: closing a listener would reset them in the midst of a request."""
        alive = self.alive
        super().set_accept_enabled(enabled and alive)
        if not alive and cast(Any, self.app).draining[0]:
            self._accept_waiting()

    def _accept_waiting(self) -> None:
        listeners, self.sockets = self.sockets, []
        for listener in listeners:
            before = -1
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    # test_bad_requests.py: test_47_a_broken_line_is_400_and_not_quoted
    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer a request that could not be parsed, in the connection's thread."""
        bad_request.answer(cast(Flask, self.wsgi), client, exc)
