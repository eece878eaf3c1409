"""POST /webhooks/<source>[/<sender>]: read the raw body once, pass it on, answer after commit."""

from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import IO

import orjson
from flask import Blueprint, Response, g, request
from gunicorn.http.errors import ParseException
from msgspec.structs import asdict
from werkzeug.exceptions import ClientDisconnected

from receiver import log
from receiver.domain import redact
from receiver.domain.model import Request, Sender
from receiver.errors import (
    HttpError,
    Malformed,
    NotFound,
    TooLarge,
    Unauthorized,
    WrongMethod,
    WrongType,
)
from receiver.ingest.accept import accept
from receiver.sources import SOURCES
from receiver.sources.base import Source
from receiver.web import rate_limit
from receiver.web.context import services

blueprint = Blueprint("webhooks", __name__)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
MOST_TOLD = 20  # builds of one delivery in its log line
PIECE = 2**20  # as much as gunicorn takes from a socket at once
DISCARDED = 32 * 2**20  # more than any proxy of ours passes on


@blueprint.route("/webhooks/<source_name>", methods=METHODS, provide_automatic_options=False)
@blueprint.route(
    "/webhooks/<source_name>/<sender_name>", methods=METHODS, provide_automatic_options=False
)
def receive(source_name: str, sender_name: str = "") -> Response:
    """Take one delivery; the checks come in the order of docs/webhooks.md."""
    try:
        return _received(source_name, sender_name)
    except Unauthorized:
        _warn_of_query(source_name)
        rate_limit.count_failure()
        raise
    except Malformed:  # the rest of it never comes
        raise
    except HttpError:
        _discard()
        raise


def _warn_of_query(source_name: str) -> None:
    """A credential in an address ends in the logs of every proxy; it is no proof here."""
    if any(redact.looks_secret(name) for name in request.args):
        log.get().warning("credential in a query", source=source_name[:100])


def _received(source_name: str, sender_name: str) -> Response:
    source, sender = _sender(source_name, sender_name)
    g.log_fields = {"source": source.name, "sender": sender.name}
    if request.method != "POST":
        raise WrongMethod(headers={"Allow": "POST"})
    _check_type(source)
    outcome = accept(services(), source, sender, _request(source))
    delivery_id = outcome.delivery_id and str(outcome.delivery_id)
    g.outcome = "duplicate" if outcome.duplicate else outcome.kind
    g.log_fields |= {
        "delivery_id": delivery_id,
        "outcome": g.outcome,
        "builds": outcome.build_numbers[:MOST_TOLD],
    }
    answer: dict[str, object] = {
        "id": delivery_id,
        "outcome": outcome.kind,
        "duplicate": outcome.duplicate,
        "builds": outcome.build_numbers,
    }
    if outcome.identity:
        answer["identity"] = asdict(outcome.identity)
    status = 200 if outcome.duplicate else 202
    return Response(orjson.dumps(answer), status, mimetype="application/json")


def _sender(source_name: str, sender_name: str) -> tuple[Source, Sender]:
    """A source without a secret is off, and looks as if it did not exist."""
    source, sender = SOURCES.get(source_name), services().rules.sender(source_name, sender_name)
    if source is None or sender is None:
        raise NotFound("There is no such webhook here, or it has no secret yet.")
    return source, sender


def _check_type(source: Source) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongType("Send the body uncompressed.", headers={"Accept-Encoding": "identity"})
    if not request.mimetype and not source.own:
        return  # a forge cannot mend it: kept, and not understood
    if request.mimetype not in source.content_types:
        raise WrongType(f"Send Content-Type: {' or '.join(source.content_types)}.")


def _request(source: Source) -> Request:
    return Request(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=_body(source.max_body),
        # A forge's says nothing to us; in every URL somebody may have put a credential.
        query=redact.query(request.query_string.decode("latin-1")) if source.own else "",
        received_at=datetime.now(UTC),
    )


def _body(limit: int) -> bytes:
    """At most `limit` bytes. A chunked body has no length, so one byte more is asked for:
    Werkzeug would cut it at the limit without a word."""
    if (request.content_length or 0) > limit:
        raise TooLarge(f"A body may have {limit} bytes.")
    request.max_content_length = limit + 1
    try:
        body = _read(request.stream, limit + 1)
    except (ClientDisconnected, OSError, ParseException) as error:
        raise Malformed("The body ended early or is chunked wrongly.") from error
    if len(body) < (request.content_length or 0):
        raise Malformed("The body is shorter than its Content-Length.")
    if len(body) > limit:
        raise TooLarge(f"A body may have {limit} bytes.")
    return body


def _read(stream: IO[bytes], most: int) -> bytes:
    """At most so many bytes, in pieces: asked for all at once, each layer below would hold a copy.
    This buffer grows where it lies, and gives what it has without one."""
    read = BytesIO()
    while read.tell() < most and (piece := stream.read(min(PIECE, most - read.tell()))):
        read.write(piece)
    return read.getvalue()


def _discard() -> None:
    """Read what is left of a refused body. A connection that closes with bytes unread is reset,
    and a proxy that still sends would tell of a failed receiver instead of our answer."""
    if (request.content_length or 0) > DISCARDED:
        return
    left = DISCARDED
    with suppress(OSError, ParseException):
        while left > 0 and (piece := request.environ["wsgi.input"].read(PIECE)):
            left -= len(piece)
