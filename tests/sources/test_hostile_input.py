"""Each source answers broken and hostile input as its table says, whoever signed it."""

from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import urlencode

import orjson
import pytest
import requests
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.support import forges
from tests.support.deliveries import LIMIT, NUMBERS, OWN, SECRETS, SOURCES, body, document, headers
from tests.support.hostile_input import BODIES, FIELDS, HARD, VALUES
from tests.support.raw_requests import Answer, head, send
from tests.support.receivers import Running, started
from tests.support.samples import Json, cases, changed, places, sample
from tests.support.senders import post
from tests.support.table_rows import count

OUTCOMES = ("stored", "ignored", "quarantined")


@pytest.fixture(scope="module")
def receiver(module_url: str) -> Iterator[Running]:
    with started(module_url) as running:
        yield running


def deliver(receiver: Running, source: str, content: bytes, **changes: str | None) -> Answer:
    """Post to a real receiver with changed headers; None takes one out."""
    fields = headers(source, receiver.secrets[source], content) | changes
    fields |= {"Content-Length": str(len(content)), "Connection": "close"}
    sent = {name: text for name, text in fields.items() if text is not None}
    return send(receiver.url, head(f"/webhooks/{source}", sent) + content)


def deliveries(receiver: Running) -> int:
    return count(receiver.environment["DATABASE_URL"], "deliveries")


def counter(receiver: Running, source: str, outcome: str) -> float:
    name = f'milepost_deliveries_total{{outcome="{outcome}",source="{source}"}} '
    lines = requests.get(f"{receiver.url}/metrics", timeout=30).text.splitlines()
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def check(receiver: Running, source: str, content: bytes, answers: tuple[str, str]) -> None:
    """The answer, the rows and the metrics agree."""
    expected = answers[0 if source in OWN else 1]
    rows, before = deliveries(receiver), counter(receiver, source, expected)
    answer = deliver(receiver, source, content)
    status = 202 if expected in OUTCOMES else 422
    assert (answer.status, answer.code) == (status, expected), answer.body
    assert deliveries(receiver) - rows == (status == 202)
    assert counter(receiver, source, expected) - before == 1


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("content", "answers"), BODIES.values(), ids=BODIES)
def test_a_broken_body_is_refused_or_quarantined(
    receiver: Running, source: str, content: bytes, answers: tuple[str, str]
):
    # A forge's delivery without an id is known by its content, so each is another.
    check(receiver, source, content + b" " * next(NUMBERS), answers)


@pytest.mark.parametrize("source", [each for each in SOURCES if each != "packer"])
def test_a_byte_order_mark_is_no_json(receiver: Running, source: str):
    content = b"\xef\xbb\xbf{}" + b" " * next(NUMBERS)
    check(receiver, source, content, ("undecodable", "quarantined"))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("value", "answers"), VALUES.values(), ids=VALUES)
def test_an_odd_value_is_taken_or_refused(
    receiver: Running, source: str, value: bytes, answers: tuple[str, str]
):
    check(receiver, source, body(source, value), answers)


def post_case(client: FlaskClient, source: str, case: str, content: bytes) -> TestResponse:
    fields = headers(source, SECRETS[source], content, case)
    return client.post(f"/webhooks/{source}", data=content, headers=fields)


ROWS = [
    pytest.param(source, *row, id=f"{source}-{number}-{row[2]}")
    for source, table in FIELDS.items()
    for number, row in enumerate(table)
]


@pytest.mark.parametrize(("source", "case", "changes", "expected"), ROWS)
def test_a_wrong_field_is_named_or_quarantined(
    forge: FlaskClient, url: str, source: str, case: str, changes: Json | bytes, expected: str
):
    if not isinstance(changes, bytes):
        base = {} if "" in changes else sample(source, case)
        changes = orjson.dumps(changed(base, changes))
    answer = post_case(forge, source, case, changes)
    result = answer.get_json()
    if expected in OUTCOMES:
        assert (answer.status_code, result.get("outcome")) == (202, expected), result
    else:
        assert (answer.status_code, expected in result["errors"]) == (422, True), result
    assert count(url, "deliveries") == (expected in OUTCOMES)


@pytest.mark.parametrize("source", SOURCES)
def test_a_body_without_a_type_is_415_and_a_forges_is_quarantined(receiver: Running, source: str):
    answer = deliver(receiver, source, body(source), **{"Content-Type": None})
    expected = (415, "unsupported-type") if source in OWN else (202, "quarantined")
    assert (answer.status, answer.code) == expected


@pytest.mark.parametrize("source", SOURCES)
def test_a_multipart_body_is_415(receiver: Running, source: str):
    rows, kind = deliveries(receiver), {"Content-Type": "multipart/form-data; boundary=x"}
    answer = deliver(receiver, source, body(source), **kind)
    assert (answer.status, answer.code) == (415, "unsupported-type")
    assert deliveries(receiver) == rows


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, identity"])
def test_a_compressed_body_is_415_and_never_inflated(receiver: Running, source: str, coding: str):
    content = b"\x1f\x8b" + b"x" * 100
    answer = deliver(receiver, source, content, **{"Content-Encoding": coding})
    assert (answer.status, answer.code) == (415, "unsupported-type")
    assert answer.headers["accept-encoding"] == "identity"


def test_a_form_of_github_is_taken(receiver: Running):
    content = urlencode({"payload": body("github").decode()}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = deliver(receiver, "github", content, **kind)
    assert (answer.status, answer.code) == (202, "ignored")


@pytest.mark.parametrize("source", SOURCES)
def test_a_body_is_as_large_as_the_limit_and_no_larger(receiver: Running, source: str):
    content = body(source)
    content += b" " * (LIMIT[source] - len(content))
    assert deliver(receiver, source, content).status == 202
    assert deliver(receiver, source, content + b" ").status == 413


def test_a_cut_manifest_is_422(receiver: Running):
    assert deliver(receiver, "packer", body("packer")[:-5]).status == 422


@pytest.mark.parametrize("field", ["builder_type", "name", "artifact_id", "packer_run_uuid"])
def test_a_long_name_that_does_not_compress_is_cut(receiver: Running, field: str):
    text = "".join(sha256(str(number).encode()).hexdigest() for number in range(200))
    manifest = {"builds": [{field: text}], "last_run_uuid": text if "uuid" in field else None}
    answer = deliver(receiver, "packer", orjson.dumps(manifest))
    assert answer.status == 202, answer.body
    (number,) = answer.problem["builds"]
    page = requests.get(f"{receiver.url}/api/v1/builds/{number}", timeout=30)
    assert page.status_code == 200


def test_every_stored_delivery_can_be_shown(receiver: Running):
    for path in ("/", "/builds", "/deliveries", "/failures", "/stages", "/feed.atom"):
        answer = requests.get(receiver.url + path, timeout=30)
        assert answer.status_code == 200, path
        assert len(answer.content) < 10**6


def at(time: str) -> bytes:
    return orjson.dumps(changed(document("milepost"), {"events.0.at": time}))


@pytest.mark.parametrize(
    ("content", "flags"),
    [
        (body("milepost", b'{"a": 1, "a": 2}'), []),
        (body("milepost", b'{"a" : 1, "b": {"a": 2}, "c\\": 3}": "\\":", "d": ":"}'), []),
        (body("milepost", b'{"a\\u0000": 1, "a": 1, "a": 2}'), ["sanitized"]),
        (at("2026-01-01T10:00:00"), ["no_zone"]),
        (at("2026-01-01T10:00:00.5z"), []),
        (at("2026-01-01T12:00:00+02:00"), []),
    ],
)
def test_a_delivery_is_flagged(client: FlaskClient, content: bytes, flags: list[str]):
    answer = post(client, content).get_json()
    assert client.get(f"/api/v1/deliveries/{answer['id']}").get_json()["flags"] == flags


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
RELAXED = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
STATUSES = {"milepost": {202, 422}, "packer": {200, 202, 422}, "forges": {200, 202}}
PLACES = {
    name: [
        (source, case, place)
        for source in (forges.SECRETS if name == "forges" else [name])
        for case in cases(source)
        for place in places(sample(source, case))
    ]
    for name in STATUSES
}


@pytest.mark.parametrize("name", STATUSES)
@RELAXED
@given(data=st.data())
def test_any_value_in_any_field_is_taken_or_422(forge: FlaskClient, name: str, data: st.DataObject):
    source, case, place = data.draw(st.sampled_from(PLACES[name]))
    value = data.draw(st.sampled_from(HARD) | JSON)
    try:
        content = orjson.dumps(changed(sample(source, case), {place: value}))
    except TypeError:  # JSON can hold a lone surrogate, UTF-8 cannot
        return
    answer = post_case(forge, source, case, content)
    assert answer.status_code in STATUSES[name], answer.text


@RELAXED
@given(query=st.text(max_size=300))
def test_any_query_is_taken_or_422(client: FlaskClient, query: str):
    content = orjson.dumps(sample("packer", "manifest"))
    fields = headers("packer", SECRETS["packer"], content)
    answer = client.post(
        "/webhooks/packer", data=content, headers=fields, query_string={"platform": query}
    )
    assert answer.status_code in (200, 202, 422), answer.text
