"""Requests that gunicorn cannot read: answered, counted and logged without a word of what was sent.

Its own handler would quote the request's line, with a query, in its log and in its answer.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from uuid import uuid4

import orjson
from flask import Flask
from gunicorn.http import errors

from receiver import log
from receiver.web import metrics, problem

# https://github.com/benoitc/gunicorn/blob/master/gunicorn/http/errors.py; the rest of them is 400.
STATUSES: Mapping[type[BaseException], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}


def answer(app: Flask, client: socket.socket, error: BaseException) -> None:
    """Tell the client what kind of mistake it was; our own is a 500."""
    status = STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
    if not isinstance(error, errors.ParseException) or isinstance(
        error, errors.ConfigurationProblem
    ):
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        log.unexpected(error)
    request_id, code = uuid4().hex, status.phrase.lower().replace(" ", "-")
    log.get().info("unreadable", request_id=request_id, status=status, reason=type(error).__name__)
    metrics.of(app).deliveries.labels("unknown", code).inc()
    with suppress(OSError):  # it may be gone
        client.sendall(_response(status, code, request_id))


def _response(status: HTTPStatus, code: str, request_id: str) -> bytes:
    detail = "The request could not be read."
    body = orjson.dumps(problem.details(status, code, status.phrase, detail, request_id))
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: {problem.PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
