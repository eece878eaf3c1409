"""create_app(config): the WSGI application, one for each gunicorn worker."""

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
from flask import Flask, Response, g, make_response, render_template, request
from secure import ContentSecurityPolicy, ReferrerPolicy, Secure, XContentTypeOptions, XFrameOptions
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException

from receiver import log
from receiver.config import Config
from receiver.errors import (
    Closed,
    HttpError,
    InUse,
    Malformed,
    NotFound,
    TooLarge,
    Unavailable,
    WrongHost,
    WrongMethod,
    WrongType,
)
from receiver.ingest.services import Services
from receiver.storage.db import Database
from receiver.storage.embedded import cluster
from receiver.web import (
    api,
    auth,
    health,
    hook_file,
    hosts,
    metrics,
    pages,
    rate_limit,
    sign_in,
    webhooks,
)
from receiver.web.pages import deliveries, setup
from receiver.web.proxy import TrustedProxies

# Flask's own errors have the codes of ours.
CODES = {each.status: each.code for each in (Malformed, NotFound, WrongMethod, TooLarge, WrongType)}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,100}", re.ASCII)
POOL_SIZE = 4  # half of a worker's threads, so that a hung database cannot hold every thread

HEADERS = list(
    Secure(
        csp=ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'", "data:")
        .connect_src("'self'")
        .base_uri("'none'")
        .form_action("'self'")
        .frame_ancestors("'none'"),
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
    ).headers.items()
)


class Application(Flask):
    """Flask, whose own log line of a failure would quote the path and the error's text."""

    def log_exception(self, exc_info: Any) -> None:
        """What went wrong, once, in one JSON line."""
        log.unexpected(exc_info[1])


def create_app(config: Config) -> Flask:
    """Wire everything together; connects in the background, so an absent database is a 503."""
    log.configure()
    app = Application(__name__, template_folder="web/templates", static_folder="web/static")
    database = Database(conninfo(config), size=POOL_SIZE, prepare=config.prepare)
    database.open()
    app.extensions["milepost"] = Services.start(config, database)
    app.extensions["milepost_guesses"] = rate_limit.Guesses()
    api.register(app)
    for module in (health, webhooks, pages, deliveries, hook_file, metrics, setup, sign_in):
        app.register_blueprint(module.blueprint)
    app.wsgi_app = TrustedProxies(app.wsgi_app, config.trusted_proxies, config.user_header)  # type: ignore[method-assign]
    app.jinja_env.globals["csrf_token"] = auth.csrf_token
    app.before_request(_begin)
    app.before_request(partial(_check_host, config.hosts))
    app.after_request(auth.keep_csrf)
    app.after_request(_finish)
    app.register_error_handler(HttpError, _http_error)
    app.register_error_handler(MemoryError, _short_of_memory)
    app.register_error_handler(HTTPException, _http_exception)
    return app


def conninfo(config: Config) -> str | Callable[[], str]:
    """The external database's URL, or a function that starts or revives the embedded server."""
    return config.database_url or partial(cluster.start, config.data_dir)


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")  # of a trusted proxy: others' is removed
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _check_host(names: frozenset[str]) -> None:
    if not hosts.is_trusted(request.headers.get("Host"), names):
        raise WrongHost


def _finish(response: Response) -> Response:
    """Security headers, and the one log line of this request."""
    response.headers.update(HEADERS)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers["X-Request-ID"] = g.get("request_id", "")
    response.headers.setdefault("Cache-Control", "no-store")
    if request.path != "/livez" and response.status_code != 304:  # open pages ask all the time
        log.get().info(
            "request",
            method=request.method,
            path=request.path[:500],
            status=response.status_code,
            reason=g.get("reason"),
            ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
            **g.get("told", {}),
        )
    return response


def _http_error(error: HttpError) -> Response:
    g.reason = error.code
    problem = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "request_id": g.get("request_id"),
    }
    if error.fields:
        problem["errors"] = error.fields
    if isinstance(error, InUse):
        problem["references"] = error.references
    return _answer(problem, error.status, error.headers)


def _short_of_memory(_: MemoryError) -> Response:
    """Nothing of it was kept; the worker goes on, and the sender tries again."""
    return _http_error(Unavailable("This worker is short of memory."))


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    g.reason = code = CODES.get(status) or error.name.lower().replace(" ", "-")
    problem = {
        "type": "about:blank",
        "title": error.name,
        "status": status,
        "code": code,
        "detail": error.description,
        "request_id": g.get("request_id"),
    }
    allow = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if status == 405 else {}  # type: ignore[attr-defined]
    return _answer(problem, status, allow)


def _answer(problem: dict[str, object], status: int, headers: dict[str, str]) -> Response:
    """Problem details (RFC 9457) for programs, a page for people."""
    wants_page = request.accept_mimetypes.best_match(["application/json", "text/html"])
    is_page = request.path == "/api/docs" or not request.path.startswith(("/api/", "/webhooks/"))
    if wants_page == "text/html" and is_page:
        template = "sign_in.html" if problem["code"] == Closed.code else "error.html"
        response = make_response(render_template(template, problem=problem), status)
    else:
        response = Response(orjson.dumps(problem), status, mimetype="application/problem+json")
    response.headers.update(headers)
    return response
