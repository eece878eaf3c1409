"""Bad bodies, rightly signed, through every source to a real receiver: what each is answered.

The numbers are of the project's list of bad inputs. What our own formats refuse with a 422 a forge
could not mend: it is kept as quarantined. 59 (a formula in a CSV file) has no test, as nothing here
writes CSV.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlencode

import orjson
import psycopg
import pytest
import requests

from tests.support.bad_input import NUMBERS, OWN, SOURCES, body, document, headers
from tests.support.raw_requests import Answer, head, send
from tests.support.receivers import Running, started

LIMIT = {source: (5 if source in OWN else 25) * 2**20 for source in SOURCES}


class Expected(NamedTuple):
    """Status and outcome or code, for our own formats and for a forge's."""

    own: tuple[int, str]
    forge: tuple[int, str]


UNREADABLE = Expected((422, "undecodable"), (202, "quarantined"))
TAKEN = Expected((202, "stored"), (202, "ignored"))  # a job that no route makes a build

# number, what, the whole body
WHOLE: list[tuple[int, str, bytes, Expected]] = [
    (23, "empty", b"", UNREADABLE),
    (23, "spaces", b"  \n", UNREADABLE),
    (24, "null", b"null", UNREADABLE),
    (24, "number", b"5", UNREADABLE),
    (24, "list", b"[]", UNREADABLE),
    (25, "trailing comma", b'{"a": 1,}', UNREADABLE),
    (25, "two documents", b"{} {}", UNREADABLE),
    (25, "cut", b'{"a": "b', UNREADABLE),
    (26, "nested 65 deep", b'{"a":' * 65 + b"1" + b"}" * 65, UNREADABLE),
    (26, "nested 1,025 deep", b'{"a":' * 1_025 + b"1" + b"}" * 1_025, UNREADABLE),
    (26, "100,000 brackets", b"[" * 100_000, UNREADABLE),
    (32, "400,000 keys", b"{%b}" % b",".join(b'"%d":1' % n for n in range(400_000)), UNREADABLE),
    (35, "UTF-16", '{"a": 1}'.encode("utf-16"), UNREADABLE),
    (35, "UTF-32", '{"a": 1}'.encode("utf-32"), UNREADABLE),
    (36, "byte order mark", b"\xef\xbb\xbf{}", UNREADABLE),
]

# number, what, JSON text at a place where anything may stand
PLACED: list[tuple[int, str, bytes, Expected]] = [
    (26, "nested 64 deep in it", b"[" * 64 + b"]" * 64, UNREADABLE),
    (27, "NaN", b"NaN", UNREADABLE),
    (27, "Infinity", b"-Infinity", UNREADABLE),
    (27, "1e400", b"1e400", UNREADABLE),
    (28, "1e131071", b"[" + b",".join([b"1e131071"] * 200) + b"]", UNREADABLE),
    (29, "2^63", b"9223372036854775808", TAKEN),
    (29, "2^64", b"18446744073709551616", TAKEN),
    (29, "5,000 digits", b"9" * 5_000, UNREADABLE),
    (30, "one key twice", b'{"a": 1, "a": 2}', TAKEN),
    (31, "NUL in a value", b'"a\\u0000b"', TAKEN),
    (31, "NUL in a key", b'{"a\\u0000b": 1}', TAKEN),
    (32, "a key of 1 MB", b'{"%b": 1}' % (b"k" * 10**6), UNREADABLE),
    (32, "100,000 values", b"[" + b",".join([b"1"] * 100_000) + b"]", UNREADABLE),
    (32, "a million empty lists", b"[" + b",".join([b"[]"] * 10**6) + b"]", UNREADABLE),
    (33, "lone surrogate", b'"\\ud800"', UNREADABLE),
    (34, "overlong UTF-8", b'"\xc0\xaf"', UNREADABLE),
    (34, "0xFF", b'"\xff"', UNREADABLE),
]


@pytest.fixture(scope="module")
def receiver(module_url: str) -> Iterator[Running]:
    with started(module_url) as running:
        yield running


def post(receiver: Running, source: str, content: bytes, **more: str) -> Answer:
    given = headers(source, receiver.secrets[source], content) | more
    given |= {"Content-Length": str(len(content)), "Connection": "close"}
    return send(receiver.url, head(f"/webhooks/{source}", given) + content)


def kept(receiver: Running) -> int:
    with psycopg.connect(receiver.environment["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT count(*) FROM deliveries").fetchone()
    assert row
    return int(row[0])


def counted(receiver: Running, source: str, outcome: str) -> float:
    wanted = f'milepost_deliveries_total{{outcome="{outcome}",source="{source}"}} '
    lines = requests.get(f"{receiver.url}/metrics", timeout=30).text.splitlines()
    return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


def check(receiver: Running, source: str, content: bytes, expected: Expected) -> None:
    wanted = expected.own if source in OWN else expected.forge
    stored, before = kept(receiver), counted(receiver, source, wanted[1])
    answer = post(receiver, source, content)
    assert (answer.status, answer.code) == wanted, answer.body
    assert kept(receiver) - stored == (1 if wanted[0] == 202 else 0)
    assert counted(receiver, source, wanted[1]) - before == 1


def named(cases: list[tuple[int, str, bytes, Expected]]) -> list[object]:
    return [
        pytest.param(source, content, expected, id=f"{number}-{what}-{source}")
        for number, what, content, expected in cases
        for source in SOURCES
    ]


@pytest.mark.parametrize(("source", "content", "expected"), named(WHOLE))
def test_a_bad_body_is_refused_or_kept(
    receiver: Running, source: str, content: bytes, expected: Expected
):
    # A forge's delivery without an id is known by its content, so each is another.
    check(receiver, source, content + b" " * next(NUMBERS), expected)


@pytest.mark.parametrize(("source", "here", "expected"), named(PLACED))
def test_a_bad_value_is_refused_or_kept(
    receiver: Running, source: str, here: bytes, expected: Expected
):
    check(receiver, source, body(source, here), expected)


@pytest.mark.parametrize("source", SOURCES)
def test_20_a_delivery_without_a_type_is_415_and_a_forges_is_kept(receiver: Running, source: str):
    content = body(source)
    given = headers(source, receiver.secrets[source], content) | {
        "Content-Length": str(len(content)),
        "Connection": "close",
    }
    del given["Content-Type"]
    answer = send(receiver.url, head(f"/webhooks/{source}", given) + content)
    wanted = (415, "unsupported-type") if source in OWN else (202, "quarantined")
    assert (answer.status, answer.code) == wanted


@pytest.mark.parametrize("source", SOURCES)
def test_22_a_multipart_body_is_415(receiver: Running, source: str):
    content, stored = body(source), kept(receiver)
    kind = "multipart/form-data; boundary=x"
    answer = post(receiver, source, content, **{"Content-Type": kind})
    assert (answer.status, answer.code, kept(receiver)) == (415, "unsupported-type", stored)


def test_21_githubs_form_is_taken(receiver: Running):
    field = urlencode({"payload": body("github").decode()})
    kind = "application/x-www-form-urlencoded"
    answer = post(receiver, "github", field.encode(), **{"Content-Type": kind})
    assert (answer.status, answer.code) == (202, "ignored")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, identity"])
def test_37_38_a_compressed_body_is_415_and_never_inflated(
    receiver: Running, source: str, coding: str
):
    answer = post(receiver, source, b"\x1f\x8b" + b"x" * 100, **{"Content-Encoding": coding})
    assert (answer.status, answer.code) == (415, "unsupported-type")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("source", SOURCES)
def test_39_40_a_body_may_be_as_large_as_the_limit_and_no_larger(receiver: Running, source: str):
    content = body(source)
    content += b" " * (LIMIT[source] - len(content))
    assert post(receiver, source, content).status == 202
    assert post(receiver, source, content + b" ").status == 413


JOB_NULL = {"action": "queued", "workflow_job": None, "repository": {"full_name": "a/b"}}
MANIFESTS: list[tuple[str, object, int]] = [
    ("builds null", {"builds": None, "last_run_uuid": "m-1"}, 202),
    ("no builds", {"last_run_uuid": "m-2"}, 202),
    ("builds empty", {"builds": [], "last_run_uuid": "m-3"}, 202),
    ("files null", {"builds": [{"files": None, "custom_data": None}]}, 202),
    ("no build_time", {"builds": [{"name": "b", "packer_run_uuid": "m-4"}]}, 202),
    ("10,000 builds", {"builds": [{"packer_run_uuid": "m-5"}] * 10_000}, 202),
    ("10,001 builds", {"builds": [{"packer_run_uuid": "m-6"}] * 10_001}, 422),
    ("negative size", {"builds": [{"files": [{"name": "f", "size": -1}]}]}, 422),
    ("size of text", {"builds": [{"files": [{"name": "f", "size": "5"}]}]}, 422),
    ("no uuid", {"builds": [{"name": "b", "artifact_id": "a"}]}, 202),
    ("future build_time", {"builds": [{"name": "b", "build_time": 4_102_444_800}]}, 202),
    ("build_time past the calendar", {"builds": [{"build_time": 10**12}]}, 422),
    ("builds of text", {"builds": "x"}, 422),
]


@pytest.mark.parametrize(
    ("what", "found", "status"), MANIFESTS, ids=[each[0] for each in MANIFESTS]
)
@pytest.mark.parametrize("source", OWN)
def test_64_a_manifest_may_lack_much(
    receiver: Running, source: str, what: str, found: object, status: int
):
    whole = document("milepost", next(NUMBERS)) | {"manifest": found}
    content = orjson.dumps(found if source == "packer" else whole) + b" " * next(NUMBERS)
    assert post(receiver, source, content).status == status, what


@pytest.mark.parametrize("field", ["builder_type", "name", "artifact_id", "packer_run_uuid"])
def test_64_a_long_name_that_does_not_compress_is_cut(receiver: Running, field: str):
    text = "".join(sha256(str(number).encode()).hexdigest() for number in range(200))
    found = {"builds": [{field: text}], "last_run_uuid": text if "uuid" in field else None}
    answer = post(receiver, "packer", orjson.dumps(found))
    assert answer.status == 202, answer.body
    (number,) = answer.problem["builds"]
    page = requests.get(f"{receiver.url}/api/v1/builds/{number}", timeout=30)
    assert page.status_code == 200


def test_64_a_cut_manifest_is_422(receiver: Running):
    assert post(receiver, "packer", body("packer")[:-5]).status == 422


@pytest.mark.parametrize(
    ("here", "flags"),
    [
        (b'{"a": 1, "a": 2}', []),
        (b'{"a" : 1, "b": {"a": 2}, "c\\": 3}": "\\":", "d": ":"}', []),
        (b'{"a\\u0000": 1, "a": 1, "a": 2}', ["sanitized"]),
    ],
)
def test_30_31_what_is_odd_is_shown(receiver: Running, here: bytes, flags: list[str]):
    answer = post(receiver, "milepost", body("milepost", here))
    shown = requests.get(f"{receiver.url}/api/v1/deliveries/{answer.problem['id']}", timeout=30)
    assert shown.json()["flags"] == flags


@pytest.mark.parametrize(
    ("at", "flags"),
    [
        ("2026-01-01T10:00:00", ["no_zone"]),
        ("2026-01-01T10:00:00.5z", []),
        ("2026-01-01T12:00:00+02:00", []),
    ],
)
def test_63_a_time_without_a_zone_is_utc_and_shown_as_odd(
    receiver: Running, at: str, flags: list[str]
):
    said = document("milepost", next(NUMBERS))
    said["events"][0]["at"] = at
    answer = post(receiver, "milepost", orjson.dumps(said))
    shown = requests.get(f"{receiver.url}/api/v1/deliveries/{answer.problem['id']}", timeout=30)
    assert shown.json()["flags"] == flags


def test_a_job_that_is_null_is_quarantined(receiver: Running):
    answer = post(receiver, "github", orjson.dumps(JOB_NULL))
    assert (answer.status, answer.code) == (202, "quarantined")


def test_everything_that_was_kept_can_be_looked_at(receiver: Running):
    for path in ("/", "/builds", "/deliveries", "/failures", "/stages", "/feed.atom"):
        answer = requests.get(receiver.url + path, timeout=30)
        assert answer.status_code == 200, path
        assert len(answer.content) < 10**6
