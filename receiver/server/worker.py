"""gunicorn's worker with threads, which no client can keep from the others."""

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
# What handle() gives for a connection that the loop shall watch without a thread.
DEFER = gthread._DEFER  # type: ignore[attr-defined]  # its stubs leave it out


class Connection(gthread.TConn):
    """A connection whose every wait ends."""

    patience = SILENT_SECONDS
    given_up_at = 0.0  # of the monotonic clock, once it has ended

    def init(self) -> None:
        """Called before each request, when gunicorn has made the socket blocking. It has no read
        timeout: half a request would hold its thread for ever
        (https://github.com/benoitc/gunicorn/issues/2652)."""
        super().init()
        self.sock.settimeout(READ_SECONDS)

    def wait_for_data(self, _timeout: float | None) -> bool:
        """Called in a thread for a new connection. One that stays silent is watched without a
        thread after a moment: browsers open some that they may need, and 16 would stop all others.
        """
        return bool(super().wait_for_data(self.patience))

    def end(self) -> None:
        """Say that nothing more comes. The client has as long to do so as to ask again."""
        self.given_up_at = time.monotonic() + self.cfg.keepalive
        self.sock.shutdown(socket.SHUT_WR)
        self.sock.setblocking(False)

    def drain(self) -> bool:
        """Throw away what still comes after the end; False once the client has closed, too, or had
        its time. With bytes unread, close() would reset it, and the answer be lost
        (https://www.rfc-editor.org/rfc/rfc9112#section-9.6)."""
        try:
            return bool(self.sock.recv(READ_BYTES)) and time.monotonic() < self.given_up_at
        except BlockingIOError:
            return True

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002  # gunicorn names it
        """Called in the worker's only loop, where gunicorn would wait for the client to close, and
        nobody else would be served for two seconds: handle() has seen to it."""
        super().close()


class Worker(gthread.ThreadWorker):
    """gthread with the connection above; accept() looks the class up in its module."""

    def init_process(self) -> None:
        """Put the connection class in place, in the worker only."""
        gthread.TConn = Connection  # type: ignore[misc]  # the only way in
        super().init_process()

    @property
    def worker_connections(self) -> int:
        """How many connections it may have: as many as are idle, and one for each thread. One that
        no thread of this worker is free for may be taken by another, or waits at the listener."""
        idle = len(self.keepalived_conns) + len(self.pending_conns)
        return min(idle + int(self.cfg.threads), int(self.cfg.worker_connections))

    @worker_connections.setter
    def worker_connections(self, _most: int) -> None:
        """gunicorn sets it once, to its setting."""

    def finish_request(self, conn: gthread.TConn, fs: Future[Any]) -> None:
        """Called in the loop when a thread has done with a connection. It makes room for a new one,
        even where those that are kept alive give the threads no rest: else they would keep it."""
        super().finish_request(conn, fs)
        is_full = not self._accepting  # type: ignore[attr-defined]  # its stubs leave it out
        if self.alive and is_full and self.nr_conns < self.cfg.worker_connections:
            for listener in self.sockets:
                self.accept(listener)

    def handle(self, conn: gthread.TConn) -> Any:
        """Called in a thread when a connection can be read; gives what is to become of it."""
        ours = cast(Connection, conn)
        if ours.given_up_at:
            return self._linger(ours)
        kept = super().handle(ours)
        if kept is DEFER and not self.alive:  # the loop, which ends, would watch it no more
            ours.patience = READ_SECONDS
            kept = super().handle(ours)
        return kept or self._linger(ours)

    def _linger(self, conn: Connection) -> Any:
        """Watch it without a thread until its client closes it. A worker that ends waits here: in
        the loop it could not come back to it."""
        if not self.alive:
            util.close_graceful(conn.sock)
            return False
        try:
            if not conn.given_up_at:
                conn.end()
            return DEFER if conn.drain() else False
        except OSError:
            return False

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Called with False, too, when the worker ends."""
        alive = self.alive
        super().set_accept_enabled(enabled and alive)
        if not alive and cast(Any, self.app).draining[0]:
            self._take_the_rest()

    def _take_the_rest(self) -> None:
        """Whoever waits in the queue of a socket that all have closed is reset in the midst of his
        request: when the whole receiver ends, serve them too, and refuse all later ones."""
        listeners, self.sockets = self.sockets, []
        for listener in listeners:
            before = -1
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer what could not be read; called in the connection's thread."""
        bad_request.answer(cast(Flask, self.wsgi), client, exc)
