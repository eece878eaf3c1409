"""/api/openapi.json describes all of /api/v1, and /api/docs shows it without scripts."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.web.api.operations import rendered
from receiver.web.api.schemas import BuildReference
from tests.support.api import Api, Token
from tests.support.senders import Json

METHODS = ("get", "post", "patch", "delete")


@pytest.fixture
def document(client: FlaskClient) -> Json:
    response = client.get("/api/openapi.json")
    assert response.status_code == 200
    document: Json = response.get_json()
    return document


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def test_every_route_is_in_the_document(client: FlaskClient, document: Json):
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(method, path) for method, path, _ in operations(document)}


UNASSIGN = ("delete", "/api/v1/channels/{name}/assignments")  # its body names the image


def test_every_operation_is_complete(document: Json):
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    ids = [each["operationId"] for *_, each in operations(document)]
    assert len(ids) == len(set(ids)) >= 40
    for method, path, each in operations(document):
        assert each["summary"], path
        assert {"401", "403", "422", "503"} <= each["responses"].keys(), path
        assert any(status.startswith("2") for status in each["responses"]), path
        assert "Retry-After" in each["responses"]["503"]["headers"]
        has_body = method in ("post", "patch") or (method, path) == UNASSIGN
        assert has_body == ("requestBody" in each), path
        for status, answer in each["responses"].items():
            assert answer["description"], (path, status)
            assert answer.get("content") or status in ("204", "301"), (path, status)


def test_no_schema_allows_unknown_fields(document: Json):
    for name, schema in document["components"]["schemas"].items():
        assert schema["additionalProperties"] is False, name


def test_answer_has_the_fields_of_its_schema():
    row = {"build_number": "core-1", "id": 5}
    assert rendered(row, {200: BuildReference}).get_json() == {"build_number": "core-1"}


@pytest.mark.parametrize("row", [{}, {"build_number": 5}, {"build_number": None}])
def test_row_of_another_shape_is_logged(row: Json, capsys: pytest.CaptureFixture[str]):
    assert rendered(row, {200: BuildReference}).get_json() == row
    assert "ValidationError" in capsys.readouterr().out


def test_every_body_and_problem_has_a_valid_example(document: Json):
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


def test_examples_are_accepted(document: Json, api: Api):
    for path, name in (
        ("/builds", "NewBuild"),
        ("/builds/core-rhel-9-web-142/states", "NewState"),
        ("/builds/core-rhel-9-web-142/failures", "NewFailure"),
        ("/builds/core-rhel-9-web-142/artifacts", "NewArtifact"),
        ("/platforms", "NewPlatform"),
        ("/image_types", "NewImageType"),
        ("/projects", "NewProject"),
    ):
        (example,) = document["components"]["schemas"][name]["examples"]
        response = api.post(path, example)
        assert response.status_code == 201, response.text


def test_page_shows_every_operation_without_scripts(client: FlaskClient, document: Json):
    response = client.get("/api/docs")
    assert response.status_code == 200
    for _, path, each in operations(document):
        assert f'id="{each["operationId"]}"' in response.text
        assert path in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    sources = re.findall(r'(?:src|href)="([^"#]+)"', response.text)
    assert sources
    assert not [each for each in sources if "//" in each]
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on\w+=", response.text)


def test_curl_lines_have_an_example_for_every_variable(client: FlaskClient):
    lines = re.findall(r"<code>(curl [^<]+)</code>", client.get("/api/docs").text)
    assert len(lines) >= 40
    assert all("{" not in line.split(" -d ")[0] for line in lines)
    assert any(" -d " in line and "core-rhel-9-web-142" in line for line in lines)


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
def test_document_of_a_closed_receiver_needs_a_token(
    serve: Callable[[Config], FlaskClient], config: Config, token: Token, path: str
):
    closed = serve(replace(config, public_read=False))
    assert closed.get(path).status_code == 401
    page: dict[str, Any] = {"Accept": "text/html"}
    assert ('name="token"' in closed.get(path, headers=page).text) == (path == "/api/docs")
    headers = {"Authorization": f"Bearer {token('read')}"}
    assert closed.get(path, headers=headers).status_code == 200
