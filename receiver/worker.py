"""gunicorn's worker with threads, which no client can keep from the others."""

import socket
import time
from typing import Any, cast

from flask import Flask
from gunicorn.workers import gthread

from receiver import unreadable

READ_SECONDS = 5.0
SILENT_SECONDS = 0.1
LINGER_SECONDS = 2.0
PIECE = 2**16


class Connection(gthread.TConn):
    """A connection whose every wait ends."""

    ends_at: float | None = None

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
        return bool(super().wait_for_data(SILENT_SECONDS))

    def lingers(self) -> bool:
        """Say that nothing more comes; True while the client has not said so, too. What it sends
        is read for a moment: with bytes unread, close() would reset it, and the answer be lost
        (https://www.rfc-editor.org/rfc/rfc9112#section-9.6)."""
        try:
            if self.ends_at is None:
                self.ends_at = time.monotonic() + LINGER_SECONDS
                self.sock.shutdown(socket.SHUT_WR)
                self.sock.setblocking(False)
            while time.monotonic() < self.ends_at and self.sock.recv(PIECE):
                pass
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def close(self, graceful: bool = False) -> None:  # noqa: ARG002
        """Called in the worker's only loop, where gunicorn would wait for the client to close, and
        nobody else would be served for two seconds; lingers() has seen to it."""
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

    def handle(self, conn: gthread.TConn) -> Any:
        """Called in a thread when a connection can be read; gives what is to become of it. One that
        has ended is watched without a thread until its client closes it."""
        ours = cast(Connection, conn)
        if ours.ends_at is None and (kept := super().handle(conn)):
            return kept
        return gthread._DEFER if self.alive and ours.lingers() else False  # type: ignore[attr-defined]

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Called with False when the worker ends. Whoever waits in the queue of a socket that is
        closed is reset in the midst of his request: serve them too, and refuse all later ones."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            before = -1
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer what could not be read; called in the connection's thread."""
        unreadable.answer(cast(Flask, self.wsgi), client, exc)
