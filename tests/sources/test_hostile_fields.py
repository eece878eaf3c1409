"""A signed body is not yet a sane one: whatever stands in any field, the answer is 202 or 422."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from receiver.config import Config
from tests.support import github_sender
from tests.support.forge_senders import (
    CLOUD,
    LOGIN,
    RUN,
    TASK,
    TOKEN,
    cdevent,
    gitlab,
    jenkins,
    job_hook,
    notification,
    pipeline_hook,
)
from tests.support.forge_senders import ROUTES as FORGE_ROUTES
from tests.support.senders import Json, envelope, manifest, post, post_manifest, stage, verdict

WHOLE = envelope(
    stage("Storage", "failed", state=45, allowed=False)
    | {"failure": {"type": "t", "message": "m", "component": "c", "details": {"a": 1}}},
    {
        "kind": "artifact",
        "at": "2026-01-01T10:00:00Z",
        "artifact": {"artifact_id": "ami-1", "files": [{"name": "f", "size": 5}]},
    },
    verdict("failed"),
    build={"project": "p", "platform": "a", "os_version": "o", "image_type": "i"},
    run_more={"attempt": 1, "resumed_from": 5, "url": "u", "commit": "c", "branch": "b"},
    manifest=manifest({"build_time": 5, "files": [{"name": "f", "size": 1}], "custom_data": {}}),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every field."""
    yield path
    inner: Any = ()
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner:
        yield from places(each, (*path, key))


def replaced(document: Json, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    target: Any = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


HARD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        -1,
        2**31,
        2**53 + 1,
        2**63,
        2**64 - 1,
        1e308,
        -0.0,
        "",
        " ",
        "\0",
        "a\0b",
        "‮🙂" * 200,
        "x" * 70_000,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        [],
        {},
        [[]],
        {"\0": "\0"},
        {"": {"": []}},
    ]
)
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


def surrogates(value: Any) -> bytes | None:
    try:
        return orjson.dumps(value)
    except TypeError:  # JSON can say what UTF-8 cannot
        return None


@RELAXED
@given(path=st.sampled_from(list(places(WHOLE))), value=HARD | JSON)
def test_any_value_in_any_field_of_an_envelope_is_202_or_422(
    client: FlaskClient, path: tuple[Any, ...], value: Any
):
    body = surrogates(replaced(WHOLE, path, value))
    if body is not None:
        response = post(client, body)
        assert response.status_code in (202, 422), response.text


@RELAXED
@given(path=st.sampled_from(list(places(WHOLE["manifest"]))), value=HARD | JSON)
def test_any_value_in_any_field_of_a_manifest_is_202_200_or_422(
    client: FlaskClient, path: tuple[Any, ...], value: Any
):
    document = replaced(WHOLE["manifest"], path, value)
    if surrogates(document) is not None:
        response = post_manifest(client, document)
        assert response.status_code in (200, 202, 422), response.text


@RELAXED
@given(query=st.text(max_size=300))
def test_any_query_is_202_200_or_422(client: FlaskClient, query: str):
    response = client.post(
        "/webhooks/packer",
        query_string={"platform": query},
        data=orjson.dumps(manifest({})),
        headers={"Authorization": "Bearer a-token-for-packer"},
        content_type="application/json",
    )
    assert response.status_code in (200, 202, 422), response.text


@pytest.fixture
def forge(
    serve: Callable[[Config], FlaskClient], config: Config, tmp_path_factory: pytest.TempPathFactory
) -> FlaskClient:
    """A receiver that takes every forge's webhooks, with routes for all."""
    path = tmp_path_factory.mktemp("routes") / "routes.toml"
    path.write_text(FORGE_ROUTES + github_sender.ROUTES)
    secrets = {
        "github": (github_sender.SECRET,),
        "gitlab": (TOKEN,),
        "jenkins": (LOGIN,),
        "cloudevents": (CLOUD,),
    }
    return serve(replace(config, secrets=secrets, routes=path))


def event(client: FlaskClient, document: Any) -> TestResponse:
    """In structured mode, whatever the data is."""
    whole = {"specversion": "1.0", "id": "1", "source": "/t", "data": document}
    context = document.get("context") if isinstance(document, dict) else None
    whole["type"] = context.get("type", "dev.cdevents.x") if isinstance(context, dict) else "x"
    return client.post(
        "/webhooks/cloudevents",
        data=orjson.dumps(whole),
        headers={"Authorization": CLOUD.replace("bearer:", "Bearer ")},
        content_type="application/cloudevents+json",
    )


def github(event: str) -> Callable[[FlaskClient, Any], TestResponse]:
    return lambda client, document: github_sender.send(client, event, document)


FORGES: dict[str, tuple[Callable[[FlaskClient, Any], TestResponse], Json]] = {
    "workflow_job": (
        github("workflow_job"),
        github_sender.job("completed", "failure", steps=github_sender.STEPS),
    ),
    "workflow_run": (github("workflow_run"), github_sender.run("completed", "failure")),
    "Job Hook": (gitlab, job_hook("failed")),
    "Pipeline Hook": (gitlab, pipeline_hook()),
    "notification": (jenkins, notification("COMPLETED", "FAILURE")),
    "pipelinerun": (event, cdevent("pipelinerun", "finished", RUN)),
    "taskrun": (event, cdevent("taskrun", "finished", TASK)),
}
PLACES = [(name, path) for name, (_, document) in FORGES.items() for path in places(document)]


@RELAXED
@given(place=st.sampled_from(PLACES), value=HARD | JSON)
def test_any_value_in_any_field_of_a_forges_delivery_is_202(
    forge: FlaskClient, place: tuple[str, tuple[Any, ...]], value: Any
):
    name, path = place
    send, document = FORGES[name]
    changed = replaced(document, path, value)
    if surrogates(changed) is not None:
        response = send(forge, changed)
        assert response.status_code in (200, 202), response.text
