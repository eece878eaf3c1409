"""How a page is answered: as HTML or JSON, and as 304 where nothing was committed since.

An open page asks every two seconds. The database's snapshot is its version: while that is the
same, nothing is read or rendered. What many look at is rendered once a version and worker.
"""

import hashlib
import time
from collections.abc import Callable
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, make_response, render_template, request

from receiver import __version__
from receiver.storage import overview
from receiver.web.auth import caller
from receiver.web.context import services
from receiver.web.problem import JSON

blueprint = Blueprint("pages", __name__)
VERSION_SECONDS = 0.5  # what a poll may be late by
AGE_SECONDS = 60  # ages and stalled builds change without a commit
MOST_KEPT = 64

Values = dict[str, Any]


class Kept:
    """What this worker rendered last, by tag, and the version that polls may share."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}
        self._version, self._until = "", 0.0

    def version(self) -> str:
        """The database's version; a poll may get one that is half a second old."""
        is_poll = bool(request.if_none_match)
        if not is_poll or time.monotonic() >= self._until:
            self._version = overview.version(services().database)
            self._until = time.monotonic() + VERSION_SECONDS
        return self._version

    def body(self, tag: str, make: Callable[[], bytes]) -> bytes:
        """The body of this tag, made once."""
        found = self._bodies.get(tag)
        if found is None:
            found = make()
            while len(self._bodies) >= MOST_KEPT:
                self._bodies.pop(next(iter(self._bodies)), None)
            self._bodies[tag] = found
        return found


def answer(
    template: str, read: Callable[[], Values], *, has_form: bool = False, public: bool = True
) -> Response:
    """Render what `read` gives, or say that nothing changed.

    A page with a form holds its reader's own token, so it is not kept for others. `public` values
    are the JSON twin; names that begin with `_` are for the template alone.
    """
    if same := unchanged():
        return same
    kept = _kept()
    tag = _tag(kept.version())
    if wants_json() and public:
        return _with_tag(Response(kept.body(tag, lambda: _json(read())), mimetype=JSON), tag)

    def make() -> bytes:
        return render_template(template, **_named(read())).encode()

    body = make() if has_form else kept.body(tag, make)
    return _with_tag(Response(body, mimetype="text/html"), tag)


def page(template: str, **values: object) -> Response:
    """Render a page that is new for each request."""
    response = make_response(render_template(template, **values))
    response.headers["Cache-Control"] = "no-cache"
    return response


def unchanged() -> Response | None:
    """304 where the caller has this page as it is."""
    if not request.if_none_match:
        return None
    tag = _tag(_kept().version())
    return _with_tag(Response(status=304), tag) if tag in request.if_none_match else None


def wants_json() -> bool:
    """Every page has a twin whose path ends with .json."""
    return request.path.endswith(".json")


def _json(values: Values) -> bytes:
    shown = {name: value for name, value in values.items() if not name.startswith("_")}
    return orjson.dumps(shown, default=str)


def _named(values: Values) -> Values:
    return {name.lstrip("_"): value for name, value in values.items()}


def _tag(version: str) -> str:
    grant = caller()
    who = f"{grant.name}/{grant.scope}/{grant.project}" if grant else ""
    parts = (__version__, version, request.full_path, who, str(int(time.time() // AGE_SECONDS)))
    return hashlib.sha256("\n".join((request.host, *parts)).encode()).hexdigest()[:32]


def _with_tag(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    response.vary.add("Authorization")
    return response


def _kept() -> Kept:
    kept: Kept = current_app.extensions.setdefault("milepost-pages", Kept())
    return kept
