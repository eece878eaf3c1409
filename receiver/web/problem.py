"""JSON responses, and every error as problem details (https://www.rfc-editor.org/rfc/rfc9457)."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import orjson
from flask import Flask, Response, g, make_response, render_template, request
from msgspec import UNSET, Meta, Struct, UnsetType, structs
from werkzeug.exceptions import HTTPException

from receiver.domain.image_errors import Revoked
from receiver.errors import (
    Closed,
    HttpError,
    InUse,
    Malformed,
    NotFound,
    TooLarge,
    Unavailable,
    WrongMethod,
    WrongType,
)

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
# Flask's own errors have the codes of ours.
CODES = {each.status: each.code for each in (Malformed, NotFound, WrongMethod, TooLarge, WrongType)}
Headers = Mapping[str, str]


class References(Struct):
    """Rows of one table that refer to a row."""

    count: Annotated[int, Meta(description="At most 10,000.")]
    some: Annotated[list[str], Meta(description="A few names.")]


class Problem(Struct):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    code: Annotated[str, Meta(description="Stable: made for programs.")]
    detail: Annotated[str, Meta(description="A sentence for people.")]
    request_id: str | None
    errors: Annotated[dict[str, list[str]] | UnsetType, Meta(description="By field.")] = UNSET
    references: Annotated[dict[str, References] | UnsetType, Meta(description="By table.")] = UNSET
    choices: Annotated[
        list[str] | UnsetType,
        Meta(description="Builds to use instead of a revoked one, or that may be meant."),
    ] = UNSET


def json_response(document: object, status: int = 200, headers: Headers | None = None) -> Response:
    """Return a document as JSON; times are ISO 8601 in UTC."""
    text = orjson.dumps(document, default=structs.asdict)
    return Response(text, status, headers, mimetype=JSON)


def register(app: Flask) -> None:
    """Answer every error of this app as a problem."""
    app.register_error_handler(HttpError, _http_error)
    app.register_error_handler(MemoryError, _out_of_memory)
    app.register_error_handler(HTTPException, _flask_error)


def _http_error(error: HttpError) -> Response:
    more: dict[str, Any] = {"errors": error.fields} if error.fields else {}
    if isinstance(error, InUse):
        more["references"] = error.references
    if isinstance(error, Revoked) or (isinstance(error, NotFound) and error.choices):
        more["choices"] = list(error.choices)
    return _respond(error.headers, error.title, error.status, error.code, error.detail, **more)


def _out_of_memory(_: MemoryError) -> Response:
    """Nothing of the request was stored; the worker goes on, and the sender tries again."""
    return _http_error(Unavailable("This worker is short of memory."))


def _flask_error(error: HTTPException) -> Response:
    status, title = error.code or 500, error.name
    code = CODES.get(status) or title.lower().replace(" ", "-")
    allow = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if status == 405 else {}  # type: ignore[attr-defined]
    return _respond(allow, title, status, code, error.description or title)


def _respond(
    headers: Headers, title: str, status: int, code: str, detail: str, **more: Any
) -> Response:
    """Return JSON for programs, a page for people."""
    g.reason = code
    problem = Problem("about:blank", title, status, code, detail, g.get("request_id"), **more)
    if not _is_for_people():
        return Response(msgspec.json.encode(problem), status, headers, mimetype=PROBLEM_JSON)
    template = "sign_in.html" if code == Closed.code else "error.html"
    return make_response(render_template(template, problem=problem), status, headers)


def _is_for_people() -> bool:
    is_page = request.path == "/api/docs" or not request.path.startswith(("/api/", "/webhooks/"))
    return is_page and request.accept_mimetypes.best_match([JSON, "text/html"]) == "text/html"
