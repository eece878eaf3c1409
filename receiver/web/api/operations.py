"""How an operation of /api/v1 is declared: who may call it, what it takes, what it answers.

One declaration checks the request and is the operation's part of the OpenAPI document. A view gets
the checked query, then the checked body, where it has them, and gives an HTTP response.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from flask import Request, Response, request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from receiver.errors import Invalid, Malformed, TooLarge, WrongType
from receiver.sources import json_body
from receiver.sources.fields import flat
from receiver.sources.manual import Strict
from receiver.storage.tokens import Grant
from receiver.web import auth
from receiver.web.api.problems import PROBLEM_TYPE, PROBLEMS, SERVERS, Problem

MAX_BODY = 2**16
View = Callable[..., Response]
Answers = Mapping[int, type[Schema] | None]
# Who may call: a token of any project and this scope, or only one that may see everything.
CALLERS: dict[str, Callable[[], Grant]] = {
    "read": auth.require_read,
    "write": auth.require_write,
    "admin": auth.require_admin,
    "read its project": lambda: auth.require("read"),
    "write its project": lambda: auth.require("write"),
}


class Parser(FlaskParser):
    """Reads strictly: unknown names are refused, a body is sane JSON, each wrong field is named."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"query": "raise", "json": "raise"}  # noqa: RUF012  # webargs'

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body as an object."""
        if req.mimetype not in ("", "application/json"):
            raise WrongType("Send Content-Type: application/json.")
        if req.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise WrongType("Send the body uncompressed.", headers={"Accept-Encoding": "identity"})
        req.max_content_length = MAX_BODY
        try:
            body = req.get_data()
        except RequestEntityTooLarge as error:
            raise TooLarge(f"A body may have {MAX_BODY} bytes.") from error
        except ClientDisconnected as error:
            raise Malformed("The body ended early.") from error
        may_be_left_out = isinstance(schema, Strict) and schema.may_be_left_out
        return {} if may_be_left_out and not body else json_body.decode(body).document

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """Names and values, each once; PostgreSQL's text holds no U+0000."""
        said = {name: value.replace("\0", "") for name, value in req.args.items()}
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            named = {name: ["Say it once."] for name in repeated}
            raise Invalid(fields=flat(schema.validate(said)) | named)
        return said

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> Any:
        """Every wrong field by its path."""
        (messages,) = error.normalized_messages().values()  # type: ignore[no-untyped-call]
        raise Invalid(fields=flat(messages)) from error


class Blueprint(SmorestBlueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A group of operations, with a tag of its name."""

    ARGUMENTS_PARSER = Parser()

    def operation(
        self,
        method: str,
        path: str,
        *,
        caller: str,
        answers: Answers,
        query: type[Schema] | None = None,
        body: type[Strict] | None = None,
        text: str = "",
        errors: Sequence[int] = (),
        **doc: Any,
    ) -> Callable[[View], View]:
        """Declare one; `answers` are what it gives by status, `errors` those of its own.

        `text` is an example of the bare text that it may give instead of JSON.
        """

        failing = sorted(_errors(path, body, errors))

        def declare(view: View) -> View:
            declared = self._taking(view, query, body)
            declared = self._answering(declared, answers, text)
            for status in failing:
                declared = self._problem(status)(declared)
            told = {"operationId": view.__name__} | _reach(caller) | doc
            declared = self.doc(**told)(declared)
            guarded = _guarded(declared, caller, takes_query=query is not None)
            self.route(f"/api/v1{path}", methods=[method])(guarded)
            return view

        return declare

    def _taking(self, view: View, query: type[Schema] | None, body: type[Strict] | None) -> View:
        taking = view
        if body:
            needed = not body.may_be_left_out
            taking = self.arguments(body, location="json", required=needed)(taking)
        if query:
            taking = self.arguments(query, location="query")(taking)
        return taking

    def _answering(self, view: View, answers: Answers, text: str) -> View:
        answering = view
        for status, schema in answers.items():
            answering = self.response(status, schema)(answering)
        if text:
            bare = {"type": "string", "examples": [text]}
            answering = self.response(200, bare, content_type="text/plain")(answering)
        return answering

    def _problem(self, status: int) -> Callable[[View], View]:
        declared: Callable[[View], View] = self.alt_response(
            status,
            schema={"type": "string"} if status in SERVERS else Problem,
            content_type="text/html" if status in SERVERS else PROBLEM_TYPE,
            description=PROBLEMS[status],
            headers=RETRY_AFTER if status in (429, 503) else None,
        )
        return declared


RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def _errors(path: str, body: object, own: Sequence[int]) -> set[int]:
    found = {401, 403, 414, 422, 429, 431, 503, *own}
    if "<" in path:
        found.add(404)
    return found | ({400, 413, 415} if body else set())


def _reach(caller: str) -> dict[str, str]:
    scope, _, project = caller.partition(" ")
    reach = "a token of one project reaches that one and those below it"
    return {"x-scope": scope, "x-reach": reach if project else "only a token of every project"}


def _guarded(view: View, caller: str, *, takes_query: bool) -> View:
    """Ask who calls before anything of the request is read."""
    allowed = CALLERS[caller]

    def guarded(**path: Any) -> Response:
        allowed()
        if request.args and not takes_query:
            raise Invalid(fields={name: ["Unknown field."] for name in request.args})
        return view(**path)

    guarded.__name__, guarded.__doc__ = view.__name__, view.__doc__
    guarded.__dict__.update(view.__dict__)
    return guarded


def json(document: Any, status: int = 200) -> Response:
    """An answer; times are ISO 8601 in UTC."""
    return Response(orjson.dumps(document), status, mimetype="application/json")


def page(items: list[Any], cursor: str | None) -> Response:
    """One page of a list; `next` is null on the last."""
    return json({"items": items, "next": cursor})


def speaker_key() -> str | None:
    """The caller's Idempotency-Key; Invalid where it is none."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Invalid(fields={"Idempotency-Key": ["Must be 1 to 255 printable ASCII characters."]})
    return key
