"""A run's key is at most 500 characters, in each format."""

from hashlib import sha256

import orjson
import pytest

from receiver.domain.delivery import Request
from receiver.domain.model import Json, Run
from receiver.sources import SOURCES, run_keys
from tests.support.senders import START, envelope, manifest, verdict

LONG = "k" * 600


def run_of(source: str, document: Json, **headers: str) -> Run:
    request = Request(
        {"content-type": "application/json", **headers}, orjson.dumps(document), "", START
    )
    return SOURCES[source].read(request).all_statements[0].run


def shortened(key: str) -> str:
    return f"{key[:450]}~{sha256(key.encode()).hexdigest()[:32]}"


@pytest.mark.parametrize("key", ["a", "a" * 500, "ü" * 500, ""])
def test_a_short_key_is_kept(key: str):
    assert run_keys.bounded(key) == key


@pytest.mark.parametrize("key", ["a" * 501, "ü" * 501, "a" * 500 + "b"])
def test_a_long_key_keeps_its_beginning_and_gets_a_digest(key: str):
    assert run_keys.bounded(key) == shortened(key)
    assert len(run_keys.bounded(key)) == 483


def test_the_rule_is_the_published_one():
    assert run_keys.bounded("x" * 501) == "x" * 450 + "~3ac31d30e2ef713a7d4803d292398261"


@pytest.mark.parametrize("more", ["a", "b"])
def test_an_envelopes_long_key_is_taken(more: str):
    key = LONG + more
    document = envelope(verdict("completed"), run=key, run_more={"pipeline": key})
    run = run_of("milepost", document)
    assert (run.key, run.pipeline) == (shortened(key), shortened(key))


def test_a_manifests_long_key_is_shortened():
    assert run_of("packer", manifest({}, run_uuid=LONG)).key == shortened(LONG)


def test_a_forges_long_key_is_shortened():
    url = f"https://jenkins.example.com/job/{LONG}/7/"
    build = {"number": 7, "phase": "STARTED", "full_url": url, "timestamp": 1_795_000_000_000}
    assert run_of("jenkins", {"name": "a", "build": build}).key == shortened(f"jenkins:{url}")
    subject = {"id": "r" * 190, "source": "s" * 300, "type": "pipelineRun", "content": {}}
    context = {"type": "dev.cdevents.pipelinerun.started.0.2.0", "source": "s", "id": "1"}
    document = {"context": context, "subject": subject}
    headers = {f"ce-{name}": str(text) for name, text in context.items()}
    assert run_of("cloudevents", document, **headers).key == shortened(
        f"cloudevents:{'s' * 300}:{'r' * 190}"
    )
