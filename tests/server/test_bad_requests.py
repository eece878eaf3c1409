"""Malformed HTTP, sent byte by byte to a real receiver, and the answer to each request.

The numbers are of the project's list of bad inputs.
"""

import ssl
import time
from collections.abc import Iterator
from contextlib import suppress

import orjson
import psycopg
import pytest
import requests

from tests.support.deliveries import LIMIT, SOURCES, body, headers
from tests.support.raw_requests import SECONDS, Answer, chunked, head, send
from tests.support.receivers import Running, started


@pytest.fixture(scope="module")
def receiver(module_url: str) -> Iterator[Running]:
    with started(module_url) as running:
        yield running


def stored_count(receiver: Running) -> int:
    with psycopg.connect(receiver.environment["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT count(*) FROM deliveries").fetchone()
    assert row
    return int(row[0])


def refused(receiver: Running, data: bytes, statuses: set[int], *, end: bool = False) -> Answer:
    """Return the answer, whose status is one of these; nothing is stored, and nothing hangs."""
    count, began = stored_count(receiver), time.monotonic()
    answer = send(receiver.url, data, end=end)
    assert time.monotonic() - began < SECONDS
    assert answer.status in statuses, answer
    assert stored_count(receiver) == count
    return answer


def request(receiver: Running, source: str, content: bytes, *more: tuple[str, str]) -> bytes:
    """Return a valid request with further headers; `more` may hold the length of the body."""
    fields = headers(source, receiver.secrets[source], content) | {"Connection": "close"}
    return head(f"/webhooks/{source}", [*fields.items(), *more])


@pytest.mark.parametrize("source", SOURCES)
def test_chunked_body_is_accepted(receiver: Running, source: str):
    content = body(source)
    chunks = chunked(content, 100)
    answer = send(
        receiver.url, request(receiver, source, content, ("Transfer-Encoding", "chunked")) + chunks
    )
    assert answer.status == 202


@pytest.mark.parametrize("source", SOURCES)
def test_41_a_chunked_body_over_the_limit_is_413(receiver: Running, source: str):
    content = body(source)
    content += b" " * (LIMIT[source] + 1 - len(content))
    data = request(receiver, source, content, ("Transfer-Encoding", "chunked")) + chunked(content)
    assert refused(receiver, data, {413}).code == "too-large"


@pytest.mark.parametrize("source", SOURCES)
def test_42_declared_length_over_the_limit_is_413_at_once(receiver: Running, source: str):
    data = request(receiver, source, b"{}", ("Content-Length", str(10 * 2**30)))
    began = time.monotonic()
    assert refused(receiver, data, {413}).code == "too-large"
    assert time.monotonic() - began < 3  # it waits for no byte of it


@pytest.mark.parametrize("source", SOURCES)
def test_43_a_body_that_is_shorter_than_declared_is_400(receiver: Running, source: str):
    content = body(source)
    data = request(receiver, source, content, ("Content-Length", str(len(content) + 9))) + content
    assert refused(receiver, data, {400}, end=True).code == "malformed"


def test_43_a_body_whose_rest_never_comes_is_400(receiver: Running):
    content = body("gitlab")  # its token signs no body
    data = request(receiver, "gitlab", content, ("Content-Length", str(len(content) + 9))) + content
    assert refused(receiver, data, {400}).code == "malformed"


@pytest.mark.parametrize("end", [True, False], ids=["hangs up", "waits"])
def test_43_a_chunked_body_without_its_end_is_400(receiver: Running, end: bool):
    content = body("milepost")
    sent = request(receiver, "milepost", content, ("Transfer-Encoding", "chunked"))
    assert refused(receiver, sent + chunked(content)[:-5], {400}, end=end).code == "malformed"


FRAMING: list[tuple[int, str, list[tuple[str, str]]]] = [
    (44, "length and chunks", [("Content-Length", "3"), ("Transfer-Encoding", "chunked")]),
    (44, "chunks and length", [("Transfer-Encoding", "chunked"), ("Content-Length", "3")]),
    (45, "two lengths", [("Content-Length", "3"), ("Content-Length", "4")]),
    (45, "lengths in one", [("Content-Length", "3,3")]),
    (45, "a sign", [("Content-Length", "+3")]),
    (45, "negative", [("Content-Length", "-1")]),
    (45, "no number", [("Content-Length", "three")]),
    (53, "two hosts", [("Host", "evil.example"), ("Content-Length", "0")]),
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "more", [more for _, _, more in FRAMING], ids=[f"{n}-{what}" for n, what, _ in FRAMING]
)
def test_44_45_ambiguous_length_is_400(receiver: Running, source: str, more: list[tuple[str, str]]):
    data = request(receiver, source, b"0\r\n\r\n", *more) + b"0\r\n\r\n"
    assert refused(receiver, data, {400}).code == "bad-request"


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nab\r\n0\r\n\r\n", b"-1\r\n\r\n", b"2\r\nabc\r\n0\r\n\r\n", b"0x2\r\nab\r\n"]
)
@pytest.mark.parametrize("source", SOURCES)
def test_46_a_bad_chunk_is_400(receiver: Running, source: str, chunks: bytes):
    data = request(receiver, source, b"ab", ("Transfer-Encoding", "chunked")) + chunks
    refused(receiver, data, {400}, end=True)


@pytest.mark.parametrize("coding", ["gzip", "chunked, gzip", "chunked, chunked", "nonsense"])
def test_46_an_unknown_coding_is_400_or_501(receiver: Running, coding: str):
    data = request(receiver, "milepost", b"", ("Transfer-Encoding", coding)) + b"0\r\n\r\n"
    refused(receiver, data, {400, 501})


def test_46_body_compressed_by_its_transfer_coding_is_refused(receiver: Running):
    content = body("milepost")
    data = request(receiver, "milepost", content, ("Transfer-Encoding", "gzip, chunked"))
    refused(receiver, data + chunked(b"\x1f\x8b" + content), {400, 401, 501})


LINES: list[tuple[int, str, bytes]] = [
    (47, "folded header", b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"),
    (47, "bare LF", b"POST /webhooks/github HTTP/1.1\nHost: x\nA: b\n\n"),
    (47, "NUL in a header", b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"),
    (47, "space before the colon", b"POST /webhooks/github HTTP/1.1\r\nHost : x\r\n\r\n"),
    (47, "no colon", b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nA\r\n\r\n"),
    (47, "HTTP/0.9", b"POST /webhooks/github\r\n\r\n"),
    (47, "HTTP/2.0", b"POST /webhooks/github HTTP/2.0\r\nHost: x\r\n\r\n"),
    (47, "control in the method", b"PO\1ST /webhooks/github HTTP/1.1\r\nHost: x\r\n\r\n"),
]


@pytest.mark.parametrize(
    "data", [data for _, _, data in LINES], ids=[f"{n}-{what}" for n, what, _ in LINES]
)
def test_47_a_broken_line_is_400_and_not_quoted(receiver: Running, data: bytes):
    canary = b"token=canary-in-a-broken-line"
    answer = refused(receiver, data.replace(b"/github", b"/github?" + canary), {400}, end=True)
    assert canary not in answer.body
    assert canary.decode() not in "".join(receiver.log)


@pytest.mark.parametrize("source", SOURCES)
def test_48_more_than_a_hundred_headers_are_431(receiver: Running, source: str):
    many = [(f"X-{number}", "1") for number in range(101)]
    refused(receiver, request(receiver, source, b"", ("Content-Length", "0"), *many), {431})


@pytest.mark.parametrize("source", SOURCES)
def test_8_a_signature_of_9000_bytes_is_431(receiver: Running, source: str):
    large = [(name, "v1," + "A" * 9_000) for name in ("webhook-signature", "X-Hub-Signature-256")]
    for each in large:
        refused(receiver, request(receiver, source, b"", ("Content-Length", "0"), each), {431})


def test_51_signature_in_a_header_with_underscores_is_refused(receiver: Running):
    content = body("github")
    fields = headers("github", receiver.secrets["github"], content)
    fields["X_Hub_Signature_256"] = fields.pop("X-Hub-Signature-256")
    fields |= {"Content-Length": str(len(content)), "Connection": "close"}
    data = head("/webhooks/github", fields) + content
    assert refused(receiver, data, {401}).code == "unauthorized"


@pytest.mark.parametrize("source", SOURCES)
def test_49_a_long_address_is_414(receiver: Running, source: str):
    data = head(f"/webhooks/{source}?{'a' * 5_000}", {"Content-Length": "0"})
    refused(receiver, data, {414})


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_50_another_method_is_405(receiver: Running, source: str, method: str):
    answer = requests.request(method, f"{receiver.url}/webhooks/{source}", timeout=30)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/../etc/passwd",
        "/webhooks/%2e%2e/readyz",
        "/webhooks/github%00",
        "/webhooks/github/%2e",
        "/webhooks/github/a/b",
        "/webhooks/GITHUB",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%00",
        "/badge/%00.svg",
        "/builds/%00",
        "/builds/..%2f",
        "/deliveries/x",
        "/api/v1/builds/%ff",
    ],
)
def test_an_odd_path_is_404(receiver: Running, path: str):
    answer = send(receiver.url, head(path, {"Connection": "close"}, "GET"))
    assert answer.status == 404


def test_two_slashes_lead_to_one(receiver: Running):
    answer = send(receiver.url, head("/webhooks//github", {"Connection": "close"}))
    assert (answer.status, answer.headers["location"]) == (308, "http://localhost/webhooks/github")


HOSTS = {
    "evil.example": 400,
    "localhost.evil.example": 400,
    "127.0.0.1.evil.example": 400,
    "evil.example:80": 400,
    "<script>": 400,
    "a b": 400,
    "": 400,
    "localhost": 202,
    "LOCALHOST:8080": 202,
    "127.0.0.1": 202,
    "[::1]:8080": 202,
    "nginx": 202,
}


@pytest.mark.parametrize("host", HOSTS)
def test_53_a_host_that_is_not_ours_is_400(receiver: Running, host: str):
    content = body("milepost")
    fields = headers("milepost", receiver.secrets["milepost"], content)
    fields |= {"Content-Length": str(len(content)), "Connection": "close"}
    answer = send(receiver.url, head("/webhooks/milepost", fields, host=host) + content)
    assert answer.status == HOSTS[host], answer.body
    page = send(receiver.url, head("/", {"Accept": "text/html"}, "GET", host=host))
    assert page.status == (400 if HOSTS[host] == 400 else 200)


def test_tls_on_the_plain_port_is_closed(receiver: Running):
    hello = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), hello, server_hostname="localhost"
    )
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    refused(receiver, hello.read(), {0, 400})


def test_unfinished_request_does_not_hang(receiver: Running):
    refused(receiver, b"POST /webhooks/github HTT", {0, 400})
    refused(receiver, b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n", {0, 400})


def test_unreadable_requests_are_counted(receiver: Running):
    send(receiver.url, head(f"/{'a' * 5_000}", {}))
    send(receiver.url, head("/", [("A", "b" * 9_000)]))
    send(receiver.url, b"nonsense\r\n\r\n")
    text = requests.get(f"{receiver.url}/metrics", timeout=30).text
    for code in ("bad-request", "request-uri-too-long", "request-header-fields-too-large"):
        assert f'milepost_deliveries_total{{outcome="{code}",source="unknown"}}' in text, code


def test_every_line_of_the_log_is_json(receiver: Running):
    began = next(place for place, line in enumerate(receiver.log) if line.startswith("{"))
    assert {type(orjson.loads(line)) for line in receiver.log[began:]} == {dict}
