"""Responses of the pages: HTML or JSON, and 304 while nothing was committed since the last one.

An open page polls every two seconds. The database's snapshot is its version: while that is the
same, nothing is read or rendered. A page that many watch is rendered once a version and worker.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response, current_app, make_response, render_template, request

from receiver import __version__
from receiver.storage import overview
from receiver.web.auth import caller
from receiver.web.context import services
from receiver.web.health import wrong_settings
from receiver.web.problem import JSON

blueprint = Blueprint("pages", __name__)
VERSION_SECONDS = 0.5  # the delay that a poll may have
AGE_SECONDS = 60  # ages and stalled builds change without a commit
MAX_BODIES = 64
MAX_BYTES = 16 * 2**20  # of all bodies that a worker keeps

Values = dict[str, Any]


class PageCache:
    """The newest rendered bodies of this worker by tag, and the version that polls share."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._version, self._expires = "", 0.0

    def version(self) -> str:
        """Return the database's version; for a poll, it may be half a second old."""
        is_poll = bool(request.if_none_match)
        if not is_poll or time.monotonic() >= self._expires:
            self._version = overview.database_version(services().database)
            self._expires = time.monotonic() + VERSION_SECONDS
        return self._version

    def body(self, tag: str, make: Callable[[], bytes]) -> bytes:
        """Return the body of this tag, made once."""
        body = self._bodies.get(tag)
        if body is None:
            body = make()
            with self._lock:
                self._keep(tag, body)
        return body

    def _keep(self, tag: str, body: bytes) -> None:
        """Keep a body, and drop the oldest ones that are too many or too large with it."""
        size = len(body) + sum(map(len, self._bodies.values()))
        while self._bodies and (size > MAX_BYTES or len(self._bodies) >= MAX_BODIES):
            size -= len(self._bodies.pop(next(iter(self._bodies))))
        if size <= MAX_BYTES:
            self._bodies[tag] = body


def cached_page(
    template: str, read: Callable[[], Values], *, has_form: bool = False, beside: str = ""
) -> Response:
    """Render the values that `read` returns, or answer 304.

    `beside` stands for what the page shows beside the database's contents. A page with a form holds
    its reader's own token, so it is not cached for others. Values whose names begin with `_` are
    for the template alone, not for the JSON twin.
    """
    if same := unchanged(beside):
        return same
    cache = _cache()
    tag = _tag(cache.version(), beside)
    if wants_json():
        return _with_tag(Response(cache.body(tag, lambda: _json(read())), mimetype=JSON), tag)

    def make() -> bytes:
        return render_template(template, **_named(read())).encode()

    body = make() if has_form else cache.body(tag, make)
    return _with_tag(Response(body, mimetype="text/html"), tag)


def page(template: str, **values: object) -> Response:
    """Render a page for this request alone."""
    response = make_response(render_template(template, **values))
    response.headers["Cache-Control"] = "no-cache"
    return response


def unchanged(beside: str = "") -> Response | None:
    """Return 304 if the caller already has this version of the page, else None."""
    if not request.if_none_match:
        return None
    tag = _tag(_cache().version(), beside)
    return _with_tag(Response(status=304), tag) if tag in request.if_none_match else None


def wants_json() -> bool:
    """Return whether this is the JSON twin of a page: its path ends with .json."""
    return request.path.endswith(".json")


def next_link(conditions: dict[str, str], cursor: str | None) -> str | None:
    """Return the URL of the next page of this list, or None on the last page."""
    return f"{request.path}?{urlencode(conditions | {'after': cursor})}" if cursor else None


def _json(values: Values) -> bytes:
    public = {name: value for name, value in values.items() if not name.startswith("_")}
    return orjson.dumps(public, default=str)


def _named(values: Values) -> Values:
    return {name.lstrip("_"): value for name, value in values.items()}


def _tag(version: str, beside: str) -> str:
    grant = caller()
    who = repr(grant) if grant else ""  # with all rights: a user of the proxy may lose a group
    age = str(int(time.time() // AGE_SECONDS))
    parts = (__version__, version, request.full_path, who, age, repr(wrong_settings()), beside)
    return hashlib.sha256("\n".join((request.host, *parts)).encode()).hexdigest()[:32]


def _with_tag(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    response.vary.add("Authorization")
    return response


def _cache() -> PageCache:
    cache: PageCache = current_app.extensions.setdefault("milepost-pages", PageCache())
    return cache
