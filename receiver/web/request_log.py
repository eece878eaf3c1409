"""The id of each request, and its one line in the log."""

import re
import time
from uuid import uuid4

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from receiver import log

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,100}", re.ASCII)


def register(app: Flask) -> None:
    """Give every request of this app an id, and log it when it is answered."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    g.began = time.perf_counter()
    # Of a trusted proxy: others' is removed.
    header = request.headers.get("X-Request-ID", "")
    g.request_id = header if REQUEST_ID.fullmatch(header) else uuid4().hex
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if request.path != "/livez" and response.status_code != 304:  # open pages ask all the time
        log.get().info(
            "request",
            method=request.method,
            path=request.path[:500],
            status=response.status_code,
            reason=g.get("reason"),
            ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
            **g.get("log_fields", {}),
        )
    return response
