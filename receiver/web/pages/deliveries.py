"""/deliveries: the inbox, what each delivery came to, and reading it anew."""

from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.domain.model import OUTCOMES
from receiver.ingest import accept
from receiver.storage import inbox
from receiver.storage.db import Row
from receiver.storage.inbox import Filter
from receiver.storage.paging import DEFAULT_LIMIT
from receiver.web import auth
from receiver.web.context import services
from receiver.web.pages import curl

blueprint = Blueprint("deliveries", __name__)
SHOWN_BYTES = 200_000
SEEN = 300  # of what nobody used, how much is read for a proposal


@blueprint.get("/deliveries.json", endpoint="list_json")
@blueprint.get("/deliveries", endpoint="list_")
def list_() -> Response:
    """The inbox, newest first, with filters; above it each sender."""
    auth.require_read()
    database, wanted = services().database, _filter()
    items, cursor = inbox.deliveries(database, wanted, DEFAULT_LIMIT, request.args.get("after"))
    values = {"items": items, "senders": _senders(inbox.senders(database))}
    if request.path.endswith(".json"):
        return Response(orjson.dumps(values | {"next": cursor}), mimetype="application/json")
    return _page("deliveries.html", wanted=wanted, given=_given(), cursor=cursor, **values)


@blueprint.get("/deliveries/routes")
def routes() -> Response:
    """Routes proposed from the newest deliveries that nobody used."""
    auth.require_read()
    return _page("routes.html", proposals=accept.propose(services(), SEEN))


@blueprint.get("/deliveries/<uuid:delivery_id>")
def show(delivery_id: UUID) -> Response:
    """One delivery; its body for administrators only."""
    caller = auth.require_read()
    found = inbox.delivery(services().database, delivery_id)
    body = found.pop("body")
    sender = f"/{found['sender']}" if found["sender"] else ""
    query = f"?{found['query']}" if found["query"] else ""
    url = f"{request.host_url}webhooks/{found['source']}{sender}{query}"
    return _page(
        "delivery.html",
        delivery=found,
        is_pruned=body is None,
        body=_text(body) if body is not None and caller.allows("admin") else None,
        # What came through the API has no webhook.
        curl=found["source"] != "api" and curl.command(url, found["source"], found["headers"]),
        body_file=curl.BODY_FILE,
    )


@blueprint.get("/deliveries/<uuid:delivery_id>/body")
def body(delivery_id: UUID) -> Response:
    """The body as it came, to be saved and never shown by a browser."""
    auth.require_admin()
    found = inbox.delivery(services().database, delivery_id)
    response = Response(found["body"] or b"", mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{curl.BODY_FILE}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/deliveries/<uuid:delivery_id>/replay")
def replay(delivery_id: UUID) -> BaseResponse:
    """Read it with today's parsers, routes and stage map."""
    auth.require_admin()
    accept.replay(services(), delivery_id, auth.who())
    return redirect(url_for("deliveries.show", delivery_id=delivery_id), 303)


def _filter() -> Filter:
    outcome = request.args.get("outcome")
    return Filter(
        source=request.args.get("source") or None,
        sender=request.args.get("sender"),
        outcome=outcome if outcome in OUTCOMES else None,
        reason=request.args.get("reason") or None,
    )


def _given() -> dict[str, str]:
    names = ("source", "sender", "outcome", "reason")
    return {name: text for name in names if (text := request.args.get(name)) is not None}


def _senders(heard: list[Row]) -> list[Row]:
    """Those that were heard, and those that were set up and have not been."""
    known = {(row["source"], row["sender"]) for row in heard}
    silent = [
        {"source": sender.source, "sender": sender.name, "last_heard_at": None}
        for sender in services().rules.senders()
        if (sender.source, sender.name) not in known
    ]
    return heard + silent


def _text(content: bytes) -> str:
    """JSON set out in lines, anything else as it is; the beginning of what is long."""
    text = content[:SHOWN_BYTES].decode("utf-8", "replace")
    if len(content) > SHOWN_BYTES:
        return f"{text}\n… {len(content) - SHOWN_BYTES} bytes more"
    try:
        document: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return text
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _page(template: str, **values: object) -> Response:
    response = make_response(render_template(template, **values))
    response.headers["Cache-Control"] = "no-cache"
    return response
