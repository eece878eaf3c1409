"""Requests as bytes on a socket, for what no HTTP library would send."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import orjson

SECONDS = 15  # the longest that a receiver may take to answer or to hang up

Headers = dict[str, str] | list[tuple[str, str]]


@dataclass
class Answer:
    """An answer; status 0 if the connection was closed without one."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.body)
        return document

    @property
    def code(self) -> str:
        """The code of a problem, else the outcome of a delivery."""
        document = self.problem if self.body else {}
        return str(document.get("code") or document.get("outcome"))


def head(path: str, headers: Headers, method: str = "POST", host: str = "localhost") -> bytes:
    """Return the line and the headers of a request, with nothing added but the host."""
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs)]
    lines.insert(1, f"Host: {host}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def chunked(body: bytes, size: int = 2**16) -> bytes:
    """Return a whole body in chunks."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [*pieces, b""])


def send(url: str, data: bytes, *, end: bool = False) -> Answer:
    """Send bytes and return one answer; `end` tells the receiver that no more will come."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=SECONDS) as client:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has answered already
            client.sendall(data)
        if end:
            client.shutdown(socket.SHUT_WR)
        return read_answer(client)


def read_answer(client: socket.socket) -> Answer:
    """Read one answer; of status 0 where the connection is closed without one."""
    response = HTTPResponse(client)
    try:
        response.begin()
        body = response.read()
    except (ConnectionResetError, ConnectionAbortedError):  # also: closed without a status line
        return Answer(0, {}, b"")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body)
