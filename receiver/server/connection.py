"""A client's connection: how much of a request has come, and how long it may take.

It overrides private parts of gunicorn; server/worker.py says why that is pinned.
"""

import re
import socket
import time
from typing import Any, cast

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers import gthread

READ_SECONDS = 5.0  # of silence inside a request
REQUEST_SECONDS = 60.0  # of a whole request, from its first byte to its last
READ_BYTES = 2**16
SMALL_BYTES = 2**16  # a request up to this size gets a thread once it is whole

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?:\r\n|\Z)", re.I)
_IN_PARTS = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.I)


class Reader(SocketUnreader):
    """Reads a request's bytes, and ends it after its deadline: a client that sends a byte every few
    seconds would hold a thread for hours."""

    deadline = 0.0  # of the monotonic clock; none before the first byte of a request

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next bytes. Raises TimeoutError past the deadline."""
        left = self.deadline - time.monotonic() if self.deadline else READ_SECONDS
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(min(left, READ_SECONDS))
        data: bytes = super().chunk(size_hint)  # type: ignore[call-arg]  # its stubs are older
        return data


class Connection(gthread.TConn):
    """A connection that never waits for ever."""

    deadline = 0.0  # of the monotonic clock, once the answer has ended
    is_large = False  # it has one of the places for requests that a thread reads to their end
    is_late = False  # the rest of its request has not come in time
    is_queued = False  # it waits for such a place

    @property
    def reader(self) -> Reader:
        """Return the reader of a connection that has been used."""
        return cast(Reader, cast(Any, self.parser).unreader)

    @property
    def has_begun(self) -> bool:
        """Whether a part of a request has come."""
        return bool(self.initialized and not self.deadline and self.reader.buf.getvalue())

    def expire(self) -> None:
        """Let the rest of the request be late, so that its thread answers at once."""
        self.is_late, self.reader.deadline = True, time.monotonic()

    # test_stalled_senders_do_not_stop_the_others
    def init(self) -> None:
        """Set a read timeout before each request: without one, half a request holds its thread for
        ever (https://github.com/benoitc/gunicorn/issues/2652)."""
        is_new = not self.initialized
        super().init()
        if is_new:
            cast(Any, self.parser).unreader = Reader(self.sock)
        self.sock.settimeout(READ_SECONDS)

    # test_clients_that_trickle_do_not_stop_the_others
    def receive(self) -> int | None:
        """Receive what has come. Return how many bytes its request lacks, None if its head is not
        whole; 0 if no more is to be waited for. Raises OSError."""
        self.init()
        reader = self.reader
        data = reader.take_buffered()
        if not reader.deadline:
            reader.deadline = time.monotonic() + REQUEST_SECONDS
        data, has_ended = _received(self.sock, data)
        reader.unread(data)
        is_over = has_ended or len(data) >= SMALL_BYTES or time.monotonic() > reader.deadline
        return 0 if is_over else missing_bytes(data)

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


def missing_bytes(data: bytes) -> int | None:
    """Return how many bytes a request still lacks, more than SMALL_BYTES where only its reader can
    tell; None if its head is not whole.

    >>> missing_bytes(b"POST / HTTP/1.1\\r\\nContent-Length: 5\\r\\n\\r\\nab")
    3
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    if _IN_PARTS.search(head):
        return 0 if body.endswith(b"0\r\n\r\n") else SMALL_BYTES + 1
    length = _LENGTH.search(head)
    return max(int(length[1]) - len(body), 0) if length else 0


def _received(sock: Any, data: bytes) -> tuple[bytes, bool]:
    """Return the data with what has come, without waiting, and whether the client has ended."""
    sock.setblocking(False)
    try:
        while len(data) < SMALL_BYTES:
            piece = sock.recv(READ_BYTES)
            if not piece:
                return data, True
            data += piece
    except BlockingIOError:
        pass
    finally:
        sock.settimeout(READ_SECONDS)
    return data, False
