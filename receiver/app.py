"""create_app(config): the WSGI application, one for each gunicorn worker."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask, Response, request
from secure import ContentSecurityPolicy, ReferrerPolicy, Secure, XContentTypeOptions, XFrameOptions

from receiver import log
from receiver.config import Config
from receiver.ingest.rules import Rules
from receiver.ingest.services import Services
from receiver.storage.db import Database
from receiver.storage.embedded import cluster
from receiver.web import (
    api,
    auth,
    changes,
    health,
    hook_file,
    metrics,
    pages,
    problem,
    proxy,
    rate_limit,
    refusals,
    request_log,
    webhooks,
)
from receiver.web.context import services

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
        """Log an unexpected error once, in one JSON line."""
        log.unexpected(exc_info[1])


def create_app(config: Config, rules: Rules | None = None) -> Flask:
    """Wire everything together; connects in the background, so an absent database is a 503.

    `rules` are those that the master has read.
    """
    log.configure()
    app = Application(__name__, template_folder="web/templates", static_folder="web/static")
    database = Database(conninfo(config), size=pool_size(config), confirms=True, **config.pooling)
    database.open()
    app.extensions["milepost"] = Services.start(config, database, rules)
    for module in (health, webhooks, hook_file, metrics, auth):
        app.register_blueprint(module.blueprint)
    for part in (api, pages, rate_limit, refusals, problem, request_log, changes):
        part.register(app)
    headers = (config.user_header, config.groups_header)
    # As Flask's documentation adds a middleware; its types take wsgi_app for a method.
    app.wsgi_app = proxy.TrustedProxies(app.wsgi_app, config.trusted_proxies, *headers)  # type: ignore[method-assign]
    app.before_request(partial(proxy.check_host, config.hosts))
    app.before_request(_renew_settings)
    app.after_request(_secure)
    return app


def pool_size(config: Config) -> int:
    """Return half of a worker's threads, so that a hung database cannot hold every thread; at least
    two, since one may wait for a standby that does not confirm."""
    return max(config.threads // 2, 2)


def conninfo(config: Config) -> str | Callable[[], str]:
    """Return the external database's URL, or a function that starts or revives the embedded one."""
    return config.database_url or partial(cluster.start, config.data_dir)


def _renew_settings() -> None:
    """Read settings that changed in the database, before the request holds a connection. Probes and
    files answer without it."""
    if request.blueprint != health.blueprint.name and request.endpoint != "static":
        services().rules.renew()


def _secure(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
