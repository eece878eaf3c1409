"""Requests that gunicorn cannot parse: answered, counted and logged without quoting them.

gunicorn's own handler would quote the request line, with its query, in its log and its response.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from uuid import uuid4

import msgspec
from flask import Flask
from gunicorn.http import errors

from receiver import log
from receiver.web import metrics
from receiver.web.problem import PROBLEM_JSON, Problem

# https://github.com/benoitc/gunicorn/blob/master/gunicorn/http/errors.py; all others are 400.
STATUSES: Mapping[type[BaseException], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}


def answer(app: Flask, client: socket.socket, error: BaseException) -> None:
    """Send the status that fits the parser's error; an error of our own is a 500."""
    status = STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
    if not isinstance(error, errors.ParseException) or isinstance(
        error, errors.ConfigurationProblem
    ):
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        log.unexpected(error)
    request_id, code = uuid4().hex, status.phrase.lower().replace(" ", "-")
    log.get().info("unreadable", request_id=request_id, status=status, reason=type(error).__name__)
    metrics.instruments(app).deliveries.labels("unknown", code).inc()
    with suppress(OSError):  # the client may be gone
        client.sendall(_response(status, code, request_id))


def _response(status: HTTPStatus, code: str, request_id: str) -> bytes:
    detail = "The request could not be read."
    body = msgspec.json.encode(
        Problem("about:blank", status.phrase, status, code, detail, request_id)
    )
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
