"""The targets of the fuzzer: each takes bytes and raises where a parser does what it must not.

A parser may return a value that can be stored, or raise the one error that it promises.
"""

import base64
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from msgspec.structs import astuple

from receiver.domain import redact
from receiver.domain.delivery import Request
from receiver.domain.fold.events import dump, load
from receiver.domain.model import Statement
from receiver.domain.stage_map import StageMap
from receiver.errors import ConfigError, Invalid, Unauthorized
from receiver.ingest.accept import decoded_body
from receiver.ingest.routing import Routes
from receiver.ingest.senders import Senders
from receiver.sources import SOURCES, json_body, signatures
from receiver.sources.json_body import Decoded
from receiver.storage import paging
from receiver.web import proxy
from tests.support.hostile_input import HARD
from tests.support.samples import Json, cases, changed, places, sample
from tests.support.senders import manifest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "whsec_" + base64.b64encode(b"a test secret of 32 bytes, no mo").decode()
SEEDS: dict[str, list[Json]] = {
    source: [sample(source, case) for case in cases(source)] for source in SOURCES
}
SEEDS["packer"] += [manifest({"builder_type": "digitalocean", "artifact_id": "nyc1,ams3:5"})]
SEEDS["api"] = [
    {"build_number": "core-1", "kind": "build", "said": {"project": "core"}},
    {"build_number": "core-1", "kind": "state", "said": {"state": 25, "status": "started"}},
    {"build_number": "core-1", "kind": "artifact", "said": {"artifact_id": "ami-1"}},
]
HEADERS: dict[str, list[dict[str, str]]] = {
    "github": [{"x-github-event": "workflow_job"}, {"x-github-event": "workflow_run"}, {}],
    "gitlab": [{"x-gitlab-event": "Job Hook"}],
    "jenkins": [{}, {"ce-type": "org.jenkinsci.job.completed"}, {"ce-type": "org.jenkinsci.job.x"}],
    "cloudevents": [
        {"content-type": "application/cloudevents+json"},
        {"ce-type": "x", "ce-id": "%"},
    ],
}


def body_of(source: str, data: bytes) -> bytes:
    """Return the bytes, or a right document in which they choose places and values."""
    if len(data) < 3 or data[0] % 4 == 0:
        return data[1:]
    seeds = SEEDS[source]
    document: Any = deepcopy(seeds[data[1] % len(seeds)])
    for place, value in zip(data[2:26:2], data[3:26:2], strict=False):
        paths = list(places(document))
        path = paths[place * 7 % len(paths)]
        if path or place == 255:
            document = changed(document, {path: deepcopy(HARD[value % len(HARD)])})
    return orjson.dumps(document)


def _source(name: str) -> Callable[[bytes], None]:
    source, kinds = SOURCES[name], HEADERS.get(name, [{}])

    def target(data: bytes) -> None:
        body, choice = body_of(name, data), len(data) % len(kinds)
        headers = {"content-type": "application/json"} | kinds[choice]
        query = data[:100].decode("latin-1") if source.own and data[:1] == b"\1" else ""
        request = Request(headers, body, query, NOW)
        try:
            decoded = decoded_body(source, request)
            document = decoded.document if isinstance(decoded, Decoded) else {}
            if name != "api":  # which nobody posts
                event_type, key = source.identify(request, document)
                assert event_type.encode()
                assert 0 < len(key) <= 255
            content = source.read(request)
        except Invalid as error:
            orjson.dumps(error.fields)  # it can be answered
            return
        for statement in content.all_statements:
            _storable(statement)

    return target


def _storable(statement: Statement) -> None:
    """It can be written as PostgreSQL's text and JSONB, and read back as it is."""
    dumped = dump(statement)
    again = load(dumped)
    assert dump(again) == dumped
    assert b"\\u0000" not in dumped.replace(b"\\\\", b"")
    # What is indexed must fit into a page of an index.
    assert len(statement.run.key) <= 500
    assert len(statement.build_number) <= 200
    for identity in (statement.said, statement.custom, statement.inferred):
        assert all(len(name or "") <= 200 for name in astuple(identity))


def decode(data: bytes) -> None:
    """Decoding returns an object within its bounds, or raises Undecodable."""
    try:
        document = orjson.dumps(json_body.decode(data).document)
    except Invalid:
        return
    assert document.count(b"\\u0000") == document.count(b"\\\\u0000")


def proof(data: bytes) -> None:
    """No headers but the right ones pass, and the rest is Unauthorized."""
    parts = data.decode("latin-1").split("\n")
    names = ["webhook-id", "webhook-timestamp", "webhook-signature", "authorization"]
    names += ["x-hub-signature-256", "x-gitlab-token"]
    headers = dict(zip(names, parts, strict=False))
    request = Request(headers, data[-20:], "", NOW)
    checks: list[tuple[Callable[[Request, tuple[str, ...]], None], tuple[str, ...]]] = [
        (signatures.verify_standard_or_bearer, (KEY, "bearer:a-long-token")),
        (signatures.verify_standard_or_token, (KEY, "token")),
        (signatures.verify_hub, ("secret",)),
        (signatures.verify_basic, ("user:password",)),
    ]
    for verify, secrets in checks:
        try:
            verify(request, secrets)
        except Unauthorized:
            continue
        assert any(part in data for part in (b"token", b"dXNlcjpwYXNzd29yZA=="))


def cursor(data: bytes) -> None:
    """A cursor is ours or Invalid."""
    try:
        paging.position_of(data.decode("latin-1"))
    except Invalid:
        return


def toml(data: bytes) -> None:
    """Each settings file is read, or every mistake is a ConfigError."""
    text = data.decode("utf-8", "replace")
    nowhere = Path("/nonexistent")
    parses: list[Callable[[], object]] = [
        lambda: Routes.parse(text, "routes.toml"),
        lambda: StageMap.parse(text, "stages.toml"),
        lambda: Senders.parse(text, "senders.toml", nowhere, {}),
    ]
    for parse in parses:
        try:
            parse()
        except ConfigError as error:
            "\n".join(error.problems).encode()


def redaction(data: bytes) -> None:
    """Masking takes any text and document; a host is ours or not."""
    text = data.decode("utf-8", "replace")
    assert isinstance(redact.text(text), str)
    assert isinstance(redact.query(text), str)
    assert isinstance(proxy.is_own_host(text, {"a.b"}), bool)
    redact.document({"a": [text, {text: text}]})


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{name: _source(name) for name in SOURCES},
    "decode": decode,
    "proof": proof,
    "cursor": cursor,
    "toml": toml,
    "redaction": redaction,
}
TEXTS: dict[str, list[bytes]] = {
    "decode": [orjson.dumps(seed) for seeds in SEEDS.values() for seed in seeds],
    "proof": [b"msg_1\n1614265330\nv1,g0hM9SsE=\nBearer x\nsha256=00\nt", b"\n\n\nBasic dXNlcg=="],
    "cursor": [paging.cursor_of(NOW, UUID(int=1)).encode()],
    "toml": [
        b'[[route]]\nsource = "github"\njob = \'(?P<os_version>.+)\'\nproject = "core"\n',
        b'["*"]\nnames = { "Harden OS" = 25 }\npatterns = { \'(?i)^a\' = 5 }\n',
        b'[[sender]]\nname = "a"\nsource = "github"\nsecret_file = "a"\nprojects = ["c"]\n'
        b"[[default]]\nsender = \"a\"\nvariables = { T = '(?P<image_type>.+)' }\n",
    ],
    "redaction": [b"password=x https://a:b@c Authorization: Bearer abc123 -u a:b sig=12345678"],
}


def seeds(name: str) -> list[bytes]:
    """Return the inputs that the fuzzer begins with."""
    if name not in SOURCES:
        return TEXTS[name]
    whole = [b"\0" + orjson.dumps(seed) for seed in SEEDS[name]]
    return whole + [bytes([1, place, *range(step, 40, 3)]) for place in range(3) for step in (3, 8)]
