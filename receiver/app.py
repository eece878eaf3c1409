"""create_app(config): the WSGI application, one for each gunicorn worker."""

import time
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import orjson
from flask import Flask, Response, g, make_response, render_template, request
from secure import ContentSecurityPolicy, ReferrerPolicy, Secure, XContentTypeOptions, XFrameOptions
from werkzeug.exceptions import HTTPException

from receiver import (
    access,
    api,
    deliveries,
    hookfile,
    log,
    metrics,
    pages,
    postgres,
    setup,
    sign_in,
    webhooks,
)
from receiver.config import Config
from receiver.db import Database
from receiver.errors import Closed, HttpError
from receiver.proxies import TrustedProxies
from receiver.routes import Routes
from receiver.senders import Senders
from receiver.services import Services
from receiver.stages import StageMap
from receiver.watched import Watched

POOL_SIZE = 4  # half of a worker's threads, so that a hung database cannot hold every thread

HEADERS = Secure(
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
)


def create_app(config: Config) -> Flask:
    """Wire everything together; connects in the background, so an absent database is a 503."""
    log.configure()
    app = Flask(__name__)
    database = Database(conninfo(config), size=POOL_SIZE, prepare=config.prepare)
    database.open()
    stages = Watched(config.stages, StageMap.parse, StageMap())
    routes = Watched(config.routes, Routes.parse, Routes())
    parse = partial(Senders.parse, folder=config.senders.parent, taken=config.secrets)
    senders = Watched(config.senders, parse, Senders(), optional=True)
    app.extensions["milepost"] = Services(config, database, stages, routes, senders)
    for module in (webhooks, api, pages, deliveries, hookfile, metrics, setup, sign_in):
        app.register_blueprint(module.blueprint)
    app.wsgi_app = TrustedProxies(app.wsgi_app, config.trusted_proxies, config.user_header)  # type: ignore[method-assign]
    app.jinja_env.globals["csrf_token"] = access.csrf_token
    app.before_request(_begin)
    app.after_request(access.keep_csrf)
    app.after_request(_finish)
    app.register_error_handler(HttpError, _http_error)
    app.register_error_handler(HTTPException, _http_exception)
    return app


def conninfo(config: Config) -> str | Callable[[], str]:
    """The external database's URL, or a function that starts or revives the embedded server."""
    return config.database_url or partial(postgres.start, config.data_dir)


def _begin() -> None:
    g.began = time.perf_counter()
    g.request_id = uuid4().hex


def _finish(response: Response) -> Response:
    """Security headers, and the one log line of this request."""
    response.headers.update(HEADERS.headers)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if request.path != "/livez" and response.status_code != 304:  # open pages ask all the time
        log.get().info(
            "request",
            request_id=g.get("request_id"),
            method=request.method,
            path=request.path[:500],
            status=response.status_code,
            reason=g.get("reason"),
            ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
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
    return _answer(problem, error.status, error.headers)


def _http_exception(error: HTTPException) -> Response:
    code = error.name.lower().replace(" ", "-")
    status = error.code or 500
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
    if wants_page == "text/html" and not request.path.startswith(("/api/", "/webhooks/")):
        template = "sign_in.html" if problem["code"] == Closed.code else "error.html"
        response = make_response(render_template(template, problem=problem), status)
    else:
        response = Response(orjson.dumps(problem), status, mimetype="application/problem+json")
    response.headers.update(headers)
    return response
