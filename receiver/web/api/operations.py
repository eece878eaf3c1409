"""How an operation of /api/v1 is declared: who may call it, what it takes, what it answers.

One declaration checks the request, renders the answer, and is the operation's part of the OpenAPI
document. A view gets the checked query, then the checked body, where it has them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Annotated, Any

import flask
import msgspec
from flask import Response, request
from msgspec import Meta, Struct, defstruct

from receiver import log
from receiver.domain.model import Json
from receiver.errors import Invalid, WrongType
from receiver.sources import json_body
from receiver.sources.fields import flat
from receiver.sources.manual import Strict
from receiver.storage.tokens import Grant
from receiver.web import auth
from receiver.web.bodies import read_body
from receiver.web.filters import checked, loaded
from receiver.web.problem import JSON, PROBLEM_JSON, Problem, json_response

MAX_BODY = 2**16
Schema = type[Struct]
View = Callable[..., Any]
Answers = Mapping[int, Schema | None]
# Who may call: a token of any project and this scope, or only one that may see everything.
CALLERS: dict[str, Callable[[], Grant]] = {
    "read": auth.require_read,
    "write": auth.require_write,
    "admin": auth.require_admin,
    "read its project": lambda: auth.require("read"),
    "write its project": lambda: auth.require("write"),
    "promote its project": lambda: auth.require("promote"),
}
# Why a request was refused, by status; the codes are those of errors.py.
PROBLEMS = {
    400: "The request itself is broken: `malformed`.",
    401: "No token, or an unknown one: `closed`.",
    403: "The token does not reach so far: `forbidden`.",
    404: "There is no such thing here: `not-found`.",
    409: "A conflict: `taken`, `in-use`, `cycle`, `ended`, `conflict`, `pruned`, `not-assignable`, "
    "`not-current`, `revoked`, `sender-gone`.",
    413: "The body is larger than 64 KiB: `too-large`.",
    414: "The address is longer than 4094 bytes.",
    415: "The body is not JSON: `unsupported-type`.",
    422: "Readable but wrong: `invalid` names each field in `errors`; `undecodable`; `gate`.",
    429: "Too many wrong tokens from this address: `too-many-guesses`. Right ones are let in.",
    431: "A header is longer than 8190 bytes, or there are more than 100.",
    503: "The database is away or too busy: `unavailable`. Try again.",
}
HTTP_SERVER = (414, 431)  # the HTTP server answers these by itself
RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


class Nothing(Strict):
    """A body without fields."""

    may_be_left_out = True


class Blueprint(flask.Blueprint):
    """A group of operations under one tag of the document."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__)
        self.description = description
        self.operations: list[tuple[str, str, Json]] = []  # path, method, part of the document
        self.schemas: list[Schema] = [Problem]

    def operation(
        self,
        method: str,
        path: str,
        caller: str,
        answers: Answers,
        *,
        query: type[Strict] | None = None,
        body: type[Strict] | None = None,
        text: str = "",
        errors: Sequence[int] = (),
        **more: Any,
    ) -> Callable[[View], View]:
        """Declare an operation.

        A view returns what the first schema of `answers` renders, or that with a status and
        headers, or a whole response. `text` is an example of plain text that it may return instead
        of JSON. `errors` are its own problems; `more` goes into the document.
        """

        def declare(view: View) -> View:
            @wraps(view)
            def endpoint(**names: Any) -> Response:
                CALLERS[caller]()
                parameters = _query(query or Strict)
                arguments = [parameters] if query else []
                arguments += [_body(body)] if body else []
                return rendered(view(*arguments, **names), answers)

            self.route(f"/api/v1{path}", methods=[method])(endpoint)
            shown = _description(view) | _request(query, body) | _reach(caller) | more
            shown["responses"] = _answers(answers, text) | _problems(path, body, errors)
            self.operations.append((f"/api/v1{path}", method.lower(), shown))
            self.schemas += filter(None, answers.values())
            return view

        return declare


UNKNOWN = Annotated[list[str], Meta(description="A sentence for each name that nothing has.")]


def list_of(row: Schema, **more: Any) -> Schema:
    """Return the schema of all rows; `more` are further fields."""
    # A checker takes a type made at run time for a variable.
    fields = [("items", list[row]), *more.items()]  # type: ignore[valid-type]
    return defstruct(f"{row.__name__}List", fields)


def page_of(row: Schema, **more: Any) -> Schema:
    """Return the schema of one page of rows; `more` are further fields."""
    cursor = Annotated[str | None, Meta(description="Null on the last page.")]
    # As in list_of().
    fields = [("items", list[row]), ("next", cursor), *more.items()]  # type: ignore[valid-type]
    return defstruct(f"{row.__name__}Page", fields)


def rendered(result: Any, answers: Answers) -> Response:
    """Return the response of a view's result: the fields of its schema, as JSON.

    A stored value of another shape is logged and returned as it is.
    """
    if isinstance(result, Response):
        return result
    status, schema = next(iter(answers.items()))
    document, status, headers = result if isinstance(result, tuple) else (result, status, {})
    try:
        return json_response(msgspec.convert(document, schema), status, headers)
    except msgspec.ValidationError as error:
        log.unexpected(error)
        return json_response(document, status, headers)


def page(items: Sequence[Json], cursor: str | None) -> Json:
    """Return one page of a list; `next` is the cursor of the next page."""
    return {"items": items, "next": cursor}


def idempotency_key() -> str | None:
    """Return the caller's Idempotency-Key. Raises Invalid."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Invalid(fields={"Idempotency-Key": ["Must be 1 to 255 printable ASCII characters."]})
    return key


def _query(schema: type[Strict]) -> Json:
    repeated = {name: ["Give it once."] for name, each in request.args.lists() if len(each) > 1}
    if repeated:
        raise Invalid(fields=flat(schema().validate(request.args)) | repeated)
    return checked(schema(), request.args)


def _body(schema: type[Strict]) -> Json:
    """Return the checked body. Raises WrongType, TooLarge, Malformed, Undecodable, Invalid."""
    if request.mimetype not in ("", JSON):
        raise WrongType("Send Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongType("Send the body uncompressed.", headers={"Accept-Encoding": "identity"})
    body = read_body(MAX_BODY)
    is_left_out = schema.may_be_left_out and not body
    return loaded(schema(), {} if is_left_out else json_body.decode(body).document)


def _description(view: View) -> Json:
    summary, _, description = (view.__doc__ or "").partition("\n\n")
    named = {"operationId": view.__name__, "summary": summary}
    text = re.sub(r"\s*\n\s*", "\n", description).strip()
    return named | ({"description": text} if text else {})


def _request(query: type[Strict] | None, body: type[Strict] | None) -> Json:
    shown: Json = {"parameters": [{"in": "query", "schema": query}]} if query else {}
    if body:
        content = {JSON: {"schema": body}}
        shown["requestBody"] = {"required": not body.may_be_left_out, "content": content}
    return shown


def _reach(caller: str) -> Json:
    scope, _, project = caller.partition(" ")
    reach = "a token of one project reaches that one and those below it"
    return {"x-scope": scope, "x-reach": reach if project else "only a token of every project"}


def _answers(answers: Answers, text: str) -> Json:
    shown = {str(status): _answer(status, schema) for status, schema in answers.items()}
    if text:
        bare = {"schema": {"type": "string", "examples": [text]}}
        shown["200"]["content"]["text/plain"] = bare
    return shown


def _answer(status: int, schema: Schema | None) -> Json:
    shown: Json = {"description": HTTPStatus(status).phrase}
    if schema:
        reference = {"$ref": f"#/components/schemas/{schema.__name__}"}
        shown["content"] = {JSON: {"schema": reference}}
    return shown


def _problems(path: str, body: object, own: Sequence[int]) -> Json:
    statuses = {401, 403, 414, 422, 429, 431, 503, *own}
    statuses |= {404} if "<" in path else set()
    statuses |= {400, 413, 415} if body else set()
    return {str(status): _problem(status) for status in sorted(statuses)}


def _problem(status: int) -> Json:
    content: Json = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if status in HTTP_SERVER:
        content = {"text/html": {"schema": {"type": "string"}}}
    shown = {"description": PROBLEMS[status], "content": content}
    return shown | ({"headers": RETRY_AFTER} if status in (429, 503) else {})
