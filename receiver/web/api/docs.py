"""/api/openapi.json, and /api/docs: the same document as a page without scripts."""

import shlex
from collections.abc import Sequence
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, make_response, render_template, request

from receiver.domain.model import Json
from receiver.web.auth import require
from receiver.web.problem import JSON, json_response

blueprint = Blueprint("docs", __name__)
METHODS = ("get", "post", "patch", "delete")


@blueprint.get("/api/openapi.json")
def openapi() -> Response:
    """Return the document as JSON."""
    require("read")
    return json_response(_document())


@blueprint.get("/api/docs")
def docs() -> Response:
    """Show the document as a page."""
    require("read")
    document, base = _document(), request.host_url.rstrip("/")
    groups: dict[str, list[Json]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method in [each for each in METHODS if each in item]:
            operation = item[method]
            groups[operation["tags"][0]].append(_shown(document, base, path, method, operation))
    response = make_response(render_template("docs.html", document=document, groups=groups))
    response.headers["Cache-Control"] = "no-cache"
    return response


def _document() -> Json:
    document: Json = current_app.extensions["milepost-openapi"]()
    return document


def _shown(document: Json, base: str, path: str, method: str, operation: Json) -> Json:
    """Return what the page shows of an operation."""
    variables = document["paths"][path].get("parameters", [])
    content = operation.get("requestBody", {}).get("content", {})
    body = _resolved(document, content[JSON]["schema"]) if content else {}
    parameters = [*variables, *operation.get("parameters", [])]
    answers = sorted(operation["responses"].items())
    return operation | {
        "method": method.upper(),
        "path": path,
        "inputs": [_parameter(each) for each in parameters] + _fields(body),
        "answers": [_answer(status, answer) for status, answer in answers],
        "curl": _curl(base + path, method, variables, body.get("examples", [None])[0]),
    }


def _resolved(document: Json, schema: Json) -> Json:
    """Return the schema that a reference leads to."""
    found: Json = document["components"]["schemas"][_type(schema)]
    return found


def _parameter(parameter: Json) -> Json:
    return parameter | {"type": _type(parameter["schema"])}


def _fields(schema: Json) -> list[Json]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "body", "required": name in required, "type": _type(field)}
        | {"description": field.get("description", "")}
        for name, field in schema.get("properties", {}).items()
    ]


def _answer(status: str, answer: Json) -> Json:
    content = answer.get("content", {})
    schema = next(iter(content.values()))["schema"] if content else None
    return {
        "status": status,
        "media_types": ", ".join(content),
        "type": _type(schema) if schema else "",
        "description": answer["description"],
    }


def _type(schema: Json) -> str:
    """Return a type in words: "integer 0 to 100", "list of Artifact"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join("null" if each is None else str(each) for each in schema["enum"])
    kinds = schema.get("type", "any")
    words = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if "items" in schema:
        words = f"list of {_type(schema['items'])}"
    if "minimum" in schema:
        words += f" {schema['minimum']} to {schema.get('maximum', '…')}"
    return f"{words} ({schema['format']})" if "format" in schema else words


def _curl(url: str, method: str, variables: Sequence[Json], example: Any) -> str:
    """Return a line for a shell that tries an operation."""
    for variable in variables:
        value = variable["schema"].get("examples", ["…"])[0]
        url = url.replace(f"{{{variable['name']}}}", value)
    words = ["curl", "-fsS", "-H", '"Authorization: Bearer $MILEPOST_TOKEN"']
    if method != "get":
        words += ["-X", method.upper()]
    if example:
        body = shlex.quote(orjson.dumps(example).decode())
        words += ["-H", f"'Content-Type: {JSON}'", "-d", body]
    return " ".join([*words, shlex.quote(url)])
