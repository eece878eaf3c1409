"""POST /webhooks/<source>[/<sender>]: read the raw body once, accept it, answer after commit."""

from contextlib import suppress
from datetime import UTC, datetime

from flask import Blueprint, Response, g, request
from gunicorn.http.errors import ParseException
from msgspec.structs import asdict

from receiver import log
from receiver.domain import redact
from receiver.domain.delivery import Outcome, Request, Sender
from receiver.errors import (
    HttpError,
    Malformed,
    NotFound,
    Unauthorized,
    Unavailable,
    WrongMethod,
    WrongType,
)
from receiver.ingest.accept import accept
from receiver.sources import SOURCES
from receiver.sources.base import Source
from receiver.web import metrics, rate_limit, refusals
from receiver.web.bodies import PIECE_BYTES, read_body
from receiver.web.context import services
from receiver.web.problem import json_response

blueprint = Blueprint("webhooks", __name__)
blueprint.after_request(metrics.count)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
LOGGED_BUILDS = 20  # of one delivery, in its log line
MAX_DISCARDED = 32 * 2**20  # more than the proxies in deploy/ pass on


@blueprint.route("/webhooks/<source_name>", methods=METHODS, provide_automatic_options=False)
@blueprint.route(
    "/webhooks/<source_name>/<sender_name>", methods=METHODS, provide_automatic_options=False
)
def receive(source_name: str, sender_name: str = "") -> Response:
    """Take one delivery; the checks come in the order of docs/webhooks.md."""
    try:
        return _deliver(source_name, sender_name)
    except HttpError as error:
        refusals.count(source_name, sender_name, error)
        _end(error, source_name)
        raise


def _end(error: HttpError, source_name: str) -> None:
    """Do what a refusal needs beside its answer. Raises RateLimited."""
    if isinstance(error, Unauthorized):
        _warn_of_query(source_name)
        rate_limit.count_failure()
    elif not isinstance(error, Malformed):  # then the rest of the body never comes
        _discard()


def _warn_of_query(source_name: str) -> None:
    """Log a credential in the URL: it is no proof here, and every proxy has logged it."""
    if any(redact.looks_secret(name) for name in request.args):
        log.get().warning("credential in a query", source=source_name[:100])


def _deliver(source_name: str, sender_name: str) -> Response:
    source, sender = _sender(source_name, sender_name)
    g.log_fields = {"source": source.name, "sender": sender.name}
    if request.method != "POST":
        raise WrongMethod(headers={"Allow": "POST"})
    _check_type(source)
    outcome = _accepted(source, sender, _request(source))
    delivery_id = outcome.delivery_id and str(outcome.delivery_id)
    g.outcome = "duplicate" if outcome.duplicate else outcome.kind
    g.log_fields |= {
        "delivery_id": delivery_id,
        "outcome": g.outcome,
        "builds": outcome.build_numbers[:LOGGED_BUILDS],
    }
    answer: dict[str, object] = {
        "id": delivery_id,
        "outcome": outcome.kind,
        "duplicate": outcome.duplicate,
        "builds": outcome.build_numbers,
    }
    if outcome.identity:
        answer["identity"] = asdict(outcome.identity)
    return json_response(answer, 200 if outcome.duplicate else 202)


def _accepted(source: Source, sender: Sender, told: Request) -> Outcome:
    """Return the outcome. A named sender may have another secret than a second ago: the database is
    asked once more before it is refused."""
    try:
        return accept(services(), source, sender, told)
    except Unauthorized:
        renewed = _renewed_sender(source.name, sender.name)
        if renewed in (None, sender):
            raise
        return accept(services(), source, renewed, told)


def _renewed_sender(source_name: str, sender_name: str) -> Sender | None:
    """Return the sender as the database has it now. Where nobody can ask it, that is counted as a
    wrong secret is: it may be a guess. Raises Unavailable, RateLimited."""
    try:
        return services().rules.renewed_sender(source_name, sender_name)
    except Unavailable:
        rate_limit.count_failure()
        raise


def _sender(source_name: str, sender_name: str) -> tuple[Source, Sender]:
    """Return source and sender. Raises NotFound for a source without a secret, which is off."""
    rules, source = services().rules, SOURCES.get(source_name)
    sender = rules.sender(source_name, sender_name) if source else None
    if source and sender is None:
        sender = rules.renewed_sender(source_name, sender_name)
    if source is None or sender is None:
        raise NotFound("There is no such webhook here, or it has no secret yet.")
    return source, sender


def _check_type(source: Source) -> None:
    mimetype = request.mimetype
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongType("Send the body uncompressed.", headers={"Accept-Encoding": "identity"})
    if not mimetype and not source.own:
        return  # a forge cannot change it: the delivery is stored in quarantine
    if mimetype not in source.content_types:
        raise WrongType(f"Send Content-Type: {' or '.join(source.content_types)}.")


def _request(source: Source) -> Request:
    return Request(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=read_body(source.max_body),
        # The query of a forge has no meaning here; that of every URL may hold a credential.
        query=redact.query(request.query_string.decode("latin-1")) if source.own else "",
        received_at=datetime.now(UTC),
    )


def _discard() -> None:
    """Read the rest of a refused body. A connection that closes with unread bytes is reset, and a
    proxy that still sends would report a failed receiver instead of our answer."""
    if (request.content_length or 0) > MAX_DISCARDED:
        return
    left = MAX_DISCARDED
    with suppress(OSError, ParseException):
        while left > 0 and (piece := request.environ["wsgi.input"].read(PIECE_BYTES)):
            left -= len(piece)
