"""gunicorn's threaded worker, whose other clients no slow client can stop.

It overrides private parts of gunicorn, so pyproject.toml pins the tested minor release. The comment
above each override names the test in tests/server/test_connections.py that fails without it.
"""

import errno
import resource
import socket
import time
from collections import deque
from concurrent.futures import Future
from threading import BoundedSemaphore
from typing import Any, cast

from flask import Flask
from gunicorn import util
from gunicorn.workers import gthread

from receiver.server import bad_request
from receiver.server.connection import SMALL_BYTES, Connection

OWN_FILES = 40  # of a worker: libraries, the database, logs, templates
FULL_SECONDS = 0.05  # until the next try to accept
# The result of handle() for a connection that the loop must watch without a thread.
DEFER = gthread._DEFER  # type: ignore[attr-defined]  # its stubs leave it out


class Worker(gthread.ThreadWorker):
    """gunicorn's threaded worker; a request gets a thread when it is whole.

    Half of the threads may read a large request, or one of unknown length, to its end.
    """

    def init_process(self) -> None:
        """Make the places for large requests."""
        self._places = BoundedSemaphore(max(int(self.cfg.threads) // 2, 1))
        self._large: deque[Connection] = deque()
        super().init_process()

    # test_a_worker_without_a_free_thread_leaves_new_connections_to_the_other
    @property
    def worker_connections(self) -> int:
        """Return the limit of connections: the idle ones, and one for each thread. The other worker
        may accept a connection that no thread here is free for, or it waits at the listener."""
        idle = len(self.keepalived_conns) + len(self.pending_conns) + len(self._large)
        return min(idle + int(self.cfg.threads), self._limit())

    @worker_connections.setter
    def worker_connections(self, _limit: int) -> None:
        """gunicorn sets it once, to its setting."""

    def _limit(self) -> int:
        """Return how many connections the limit of open files leaves room for."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = int(self.cfg.worker_connections)
        return limit if files == resource.RLIM_INFINITY else min(limit, files - OWN_FILES)

    # test_silent_connections_do_not_stop_the_others
    # test_few_open_files_do_not_end_a_worker
    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and let the loop watch it until its first data. gunicorn would give
        it a thread for five seconds. Where there are too many, the oldest silent one goes."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                if not self._drop_oldest():
                    time.sleep(FULL_SECONDS)
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        if self.nr_conns >= self._limit():
            self._drop_oldest()
        connection = Connection(self.cfg, client, address, listener.getsockname())
        if self.alive:
            self._watch(connection)
        else:
            self.enqueue_req(connection)

    # test_busy_clients_leave_room_for_new_connections
    def finish_request(self, conn: gthread.TConn, fs: Future[Any]) -> None:
        """Accept a new connection when a thread becomes free. Otherwise connections that are kept
        alive and busy would keep all threads."""
        connection = cast(Connection, conn)
        if connection.is_large:
            connection.is_large = False
            self._places.release()
        if connection.is_queued:
            self._large.append(connection)
        else:
            super().finish_request(conn, fs)
        self._start_large()
        is_full = not self._accepting  # type: ignore[attr-defined]  # its stubs leave it out
        if self.alive and is_full and self.nr_conns < self._limit():
            for listener in self.sockets:
                self.accept(listener)

    # test_clients_that_never_close_do_not_stop_the_others
    # test_client_that_still_sends_receives_the_answer
    def handle(self, conn: gthread.TConn) -> Any:
        """Serve a readable connection in a thread, and return its further treatment."""
        connection = cast(Connection, conn)
        if connection.deadline:
            return self._linger(connection)
        # test_ending_worker_answers_a_new_client_that_is_silent_at_first
        # A loop that ends watches no connection: the thread waits.
        if self.alive and not (connection.is_large or connection.is_late):
            try:
                if not self._is_ready(connection):
                    return DEFER
            except OSError:
                return self._linger(connection)
        result = super().handle(connection)
        if result:
            connection.reader.deadline = 0.0
        return result or self._linger(connection)

    # test_clients_that_trickle_do_not_stop_the_others
    def _is_ready(self, connection: Connection) -> bool:
        """Return whether a thread may serve the connection now. Raises OSError."""
        missing = connection.receive()
        if missing is None or 0 < missing <= SMALL_BYTES:
            return False
        if missing:
            connection.is_large = self._places.acquire(blocking=False)
            connection.is_queued = not connection.is_large
        return not connection.is_queued

    # test_bad_requests.py: test_43_a_body_whose_rest_never_comes_is_400
    def murder_pending(self) -> None:
        """Close the connections that were silent for too long; answer those inside a request."""
        now = time.monotonic()
        while self.pending_conns and cast(float, self.pending_conns[0].timeout) <= now:
            connection = cast(Connection, self.pending_conns.popleft())
            self.poller.unregister(connection.sock)
            if connection.has_begun:
                connection.expire()
                self.enqueue_req(connection)
            else:
                self.nr_conns -= 1
                connection.close()

    def _start_large(self) -> None:
        """Give free places to the large requests that wait."""
        while self._large and self._places.acquire(blocking=False):
            connection = self._large.popleft()
            connection.is_queued, connection.is_large = False, True
            self.enqueue_req(connection)

    def _watch(self, connection: Connection) -> None:
        deferred: Future[Any] = Future()
        deferred.set_result(DEFER)
        super().finish_request(connection, deferred)

    def _drop_oldest(self) -> bool:
        """Close the connection that is silent for the longest time. Return whether there is one."""
        if not self.pending_conns:
            return False
        connection = self.pending_conns.popleft()
        self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        connection.close()
        return True

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
