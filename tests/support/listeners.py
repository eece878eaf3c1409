"""A server that keeps the posts of hooks, and answers with the statuses of a test."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Post:
    """A request as it arrived."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path, self.headers, self.body = path, headers, body

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


RECEIPT = b'{"id":null,"outcome":"stored","duplicate":false,"builds":[]}'


class Page(NamedTuple):
    """An answer of something else than a receiver, or an answer of one with more than a status."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}  # never changed


def receivers(status: int) -> Page:
    """Return a receiver's answer: a receipt, or problem details."""
    if status // 100 == 2:
        return Page(status, RECEIPT, {"Content-Type": "application/json"})
    body = json.dumps({"status": status, "code": "test"}).encode()
    return Page(status, body, {"Content-Type": "application/problem+json"})


class Listener(ThreadingHTTPServer):
    """Keeps each post; answers with each status or page in turn, the last one for ever."""

    request_queue_size = 64

    def __init__(self, port: int = 0) -> None:
        self.posts: list[Post] = []
        self.statuses: list[int | Page] = [202]
        super().__init__(("127.0.0.1", port), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Listener

    def do_POST(self):  # the name that http.server calls
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.posts.append(Post(self.path, headers, body))
        statuses = self.server.statuses
        answer = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        page = receivers(answer) if isinstance(answer, int) else answer
        self.send_response(page.status)
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        self.wfile.write(page.body)

    def log_message(self, *_: object):
        pass


@contextmanager
def listening(port: int = 0) -> Iterator[Listener]:
    """Take posts until the end."""
    with Listener(port) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
