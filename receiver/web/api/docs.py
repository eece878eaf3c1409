"""/api/openapi.json, and /api/docs: the same document to read, made here without any script."""

import shlex
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, make_response, render_template, request

from receiver.web.auth import require

Json = dict[str, Any]
blueprint = Blueprint("docs", __name__)
METHODS = ("get", "post", "patch", "delete")


@blueprint.get("/api/openapi.json")
def openapi() -> Response:
    """The document as JSON."""
    require("read")
    return Response(orjson.dumps(_document()), mimetype="application/json")


@blueprint.get("/api/docs")
def docs() -> Response:
    """The document as a page."""
    require("read")
    document, base = _document(), request.host_url.rstrip("/")
    groups: dict[str, list[Json]] = {each["name"]: [] for each in document["tags"]}
    for path, operations in document["paths"].items():
        shared = operations.get("parameters", [])
        for method in [each for each in METHODS if each in operations]:
            shown = operation(document, base, path, method, shared)
            groups[shown["tag"]].append(shown)
    response = make_response(render_template("docs.html", document=document, groups=groups))
    response.headers["Cache-Control"] = "no-cache"
    return response


def operation(document: Json, base: str, path: str, method: str, shared: list[Json]) -> Json:
    """What the page shows of one operation; pure."""
    found = document["paths"][path][method]
    parameters = [*shared, *found.get("parameters", [])]
    body = found.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "id": found["operationId"],
        "tag": found["tags"][0],
        "method": method.upper(),
        "path": path,
        "summary": found["summary"],
        "description": found.get("description", ""),
        "scope": found["x-scope"],
        "reach": found["x-reach"],
        "parameters": [_parameter(each) for each in parameters],
        "body": fields_of(document, body.get("schema", {})),
        "answers": [
            _answer(document, status, each) for status, each in sorted(found["responses"].items())
        ],
        "curl": curl(document, base, path, method, body.get("schema", {})),
    }


def curl(document: Json, base: str, path: str, method: str, schema: Json) -> str:
    """A line for a shell that tries it; pure."""
    url = path
    for parameter in document["paths"][path].get("parameters", []):
        example = parameter["schema"].get("examples", ["…"])[0]
        url = url.replace(f"{{{parameter['name']}}}", example)
    words = ["curl", "-fsS", "-H", '"Authorization: Bearer $MILEPOST_TOKEN"']
    if method != "get":
        words += ["-X", method.upper()]
    example = resolved(document, schema).get("examples", [None])[0]
    if example:
        words += ["-H", "'Content-Type: application/json'"]
        words += ["-d", shlex.quote(orjson.dumps(example).decode())]
    return " ".join([*words, shlex.quote(base + url)])


def fields_of(document: Json, schema: Json) -> list[Json]:
    """The fields of an object, with those of what it holds behind them; pure."""
    whole = resolved(document, schema)
    required = whole.get("required", [])
    return [
        {"name": name, "is_required": name in required, "type": type_of(document, each)}
        | {"description": each.get("description", "")}
        for name, each in whole.get("properties", {}).items()
    ]


def type_of(document: Json, schema: Json) -> str:
    """A type in words: "integer 0 to 100", "list of State"; pure."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(type_of(document, each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(str(each) for each in schema["enum"])
    kinds = schema.get("type", "any")
    words = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if "items" in schema:
        words = f"list of {type_of(document, schema['items'])}"
    if "minimum" in schema:
        words += f" {schema['minimum']} to {schema.get('maximum', '…')}"
    return f"{words} ({schema['format']})" if "format" in schema else words


def resolved(document: Json, schema: Json) -> Json:
    """The schema that a reference leads to; pure."""
    if "$ref" not in schema:
        return schema
    found: Json = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _parameter(parameter: Json) -> Json:
    return {
        "name": parameter["name"],
        "where": parameter["in"],
        "is_required": parameter.get("required", False),
        "type": type_of({}, parameter["schema"]),
        "description": parameter.get("description", ""),
    }


def _answer(document: Json, status: str, answer: Json) -> Json:
    content = answer.get("content", {})
    shown: list[Json] = list(content.values())
    schema = shown[0].get("schema", {}) if shown else {}
    return {
        "status": status,
        "types": ", ".join(content),
        "schema": type_of(document, schema) if schema else "",
        "description": answer.get("description", ""),
    }


def _document() -> Json:
    document: Json = current_app.extensions["milepost-openapi"]
    return document
