"""/api/openapi.json says all that /api/v1 does, and /api/docs shows it without any script."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import Json

METHODS = ("get", "post", "patch", "delete")


@pytest.fixture
def document(client: FlaskClient) -> Json:
    answer = client.get("/api/openapi.json")
    assert answer.status_code == 200
    found: Json = answer.get_json()
    return found


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def routes(app: Flask) -> set[tuple[str, str]]:
    """What the app serves below /api/v1."""
    return {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_in_the_document(client: FlaskClient, document: Json):
    assert routes(client.application) == {
        (method, path) for method, path, _ in operations(document)
    }


def test_every_operation_is_told_whole(document: Json):
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    ids = [each["operationId"] for *_, each in operations(document)]
    assert len(ids) == len(set(ids)) >= 40
    for method, path, each in operations(document):
        assert each["summary"], path
        assert {"401", "403", "503"} <= each["responses"].keys(), path
        assert any(status.startswith("2") for status in each["responses"]), path
        assert ("422" in each["responses"]) >= ("requestBody" in each), path
        assert "Retry-After" in each["responses"]["503"]["headers"]
        assert (method in ("post", "patch")) == ("requestBody" in each), path
        for status, answer in each["responses"].items():
            assert answer["description"], (path, status)
            if status not in ("204", "301"):
                assert answer["content"], (path, status)


def test_unknown_fields_are_refused_everywhere(document: Json):
    for name, schema in document["components"]["schemas"].items():
        assert schema["additionalProperties"] is False, name


def test_every_body_and_problem_has_an_example_that_fits(document: Json):
    schemas = document["components"]["schemas"]
    bodies = {
        each["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for *_, each in operations(document)
        if "requestBody" in each
    }
    for name in {*bodies, "Problem", "StatementResult", "Image"} - {"Nothing"}:
        (example,) = schemas[name]["examples"]
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema_rs.validate(whole, example)


def test_examples_are_taken(client: FlaskClient, document: Json, token: Callable[..., str]):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    schemas = document["components"]["schemas"]
    for path, name in (
        ("builds", "NewBuild"),
        ("builds/core-rhel-9-web-142/states", "NewState"),
        ("builds/core-rhel-9-web-142/failures", "NewFailure"),
        ("builds/core-rhel-9-web-142/artifacts", "NewArtifact"),
        ("platforms", "NewPlatform"),
        ("image_types", "NewImageType"),
        ("projects", "NewProject"),
    ):
        (example,) = schemas[name]["examples"]
        answer = client.post(f"/api/v1/{path}", json=example, headers=headers)
        assert answer.status_code == 201, answer.text


def test_the_page_shows_every_operation_without_a_script(client: FlaskClient, document: Json):
    answer = client.get("/api/docs")
    assert answer.status_code == 200
    for _, path, each in operations(document):
        assert f'id="{each["operationId"]}"' in answer.text
        assert path in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    sources = re.findall(r'(?:src|href)="([^"#]+)"', answer.text)
    assert sources
    assert not [each for each in sources if "//" in each]
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on\w+=", answer.text)


def test_the_lines_to_try_are_whole_commands(client: FlaskClient):
    text = client.get("/api/docs").text
    lines = re.findall(r"<code>(curl [^<]+)</code>", text)
    assert len(lines) >= 40
    assert all("{" not in line.split(" -d ")[0] for line in lines)
    assert any(" -d " in line and "core-rhel-9-web-142" in line for line in lines)


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
def test_it_is_as_closed_as_what_it_describes(
    serve: Callable[[Config], FlaskClient], config: Config, token: Callable[..., str], path: str
):
    closed = serve(replace(config, public_read=False))
    assert closed.get(path).status_code == 401
    page: dict[str, Any] = {"Accept": "text/html"}
    assert ('name="token"' in closed.get(path, headers=page).text) == (path == "/api/docs")
    headers = {"Authorization": f"Bearer {token('read')}"}
    assert closed.get(path, headers=headers).status_code == 200
