"""A TCP proxy between receiver and database that stalls, delays and resets."""

import random
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK_BYTES = 65_536
ANSWER_SECONDS = 2.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: close() sends RST


class Proxy:
    """Forwards connections to a port. Its attributes may change at any time."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.delay = 0.0  # seconds, in each direction
        self.reset_share = 0.0  # of the chunks from the receiver
        self.commits = 0  # how many more COMMITs to reset, by turns before and after them
        self.flowing = threading.Event()
        self.flowing.set()
        self._chance = random.Random(7)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.port: int = self._listener.getsockname()[1]

    def close(self) -> None:
        """End every connection."""
        self._closed.set()
        self.flowing.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        self._listener.settimeout(0.1)
        while not self._closed.is_set():
            with suppress(OSError):
                client, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=[client]))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self.flowing.wait()
            with socket.create_connection(("127.0.0.1", self.target)) as server:
                while not self._closed.is_set() and self._forward(client, server):
                    pass

    def _forward(self, client: socket.socket, server: socket.socket) -> bool:
        """Forward what is ready; return whether the connection goes on."""
        ready, _, _ = select.select([client, server], [], [], 0.1)
        for each in ready:
            chunk = each.recv(CHUNK_BYTES)
            if not chunk:
                return False
            self._closed.wait(self.delay)
            self.flowing.wait()
            if each is client and self._is_reset(chunk, client, server):
                return False
            (server if each is client else client).sendall(chunk)
        return True

    def _is_reset(self, chunk: bytes, client: socket.socket, server: socket.socket) -> bool:
        """Return whether this resets the receiver's side; every second COMMIT arrives first."""
        is_commit = b"COMMIT" in chunk and self.commits > 0
        if not is_commit and self._chance.random() >= self.reset_share:
            return False
        if is_commit:
            self.commits -= 1
            if self.commits % 2:
                server.sendall(chunk)
                # The server answers nothing as long as the end of the message is in the next chunk.
                select.select([server], [], [], ANSWER_SECONDS)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return True


@contextmanager
def started_proxy(port: int) -> Iterator[Proxy]:
    """Yield a proxy in front of a port of this machine."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
