"""Forms on real sockets: large, cut and malformed ones are refused, and nothing of them is kept."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.raw_requests import Answer, chunked, head, send
from tests.support.receivers import Running, started

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"
COOKIE = {"Cookie": "milepost_csrf=a", "Content-Type": FORM}
PART = b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n'


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


def post(receiver: Running, headers: dict[str, str], body: bytes) -> Answer:
    return send(receiver.url, head("/sign-in", headers) + body)


def test_a_form_over_64_kib_is_413(receiver: Running):
    large = b"csrf=a&token=" + b"x" * 2**17
    length = {"Content-Length": str(len(large))}
    assert post(receiver, COOKIE | length, large).status == 413
    assert post(receiver, COOKIE | {"Transfer-Encoding": "chunked"}, chunked(large)).status == 413


def test_a_form_of_a_gigabyte_is_refused_unread(receiver: Running):
    files = set(Path(tempfile.gettempdir()).iterdir())
    length = {"Content-Length": str(2**30)}
    assert post(receiver, COOKIE | length | {"Content-Type": PARTS}, PART).status == 413
    assert post(receiver, length | {"Content-Type": PARTS}, PART).status == 403  # no cookie
    assert not [
        each for each in set(Path(tempfile.gettempdir()).iterdir()) - files if each.is_file()
    ]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Transfer-Encoding": "chunked"}, b"zz\r\nx\r\n", 400),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nab", 400),
        ({"Content-Length": "100"}, b"csrf=a", 400),
        ({"Content-Type": PARTS, "Content-Length": "4"}, b"abcd", 400),
        ({"Content-Type": "multipart/form-data", "Content-Length": "4"}, b"abcd", 400),
        ({"Content-Type": PARTS, "Content-Length": "100000"}, PART + b"x" * 100_000, 413),
        ({"Content-Type": PARTS, "Content-Length": str(len(PART) * 50)}, PART * 50, 413),
    ],
)
def test_a_malformed_form_is_refused(
    receiver: Running, headers: dict[str, str], body: bytes, status: int
):
    answer = send(receiver.url, head("/sign-in", COOKIE | headers) + body, end=True)
    assert answer.status == status
    assert b"Traceback" not in answer.body
