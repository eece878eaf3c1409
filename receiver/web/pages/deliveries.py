"""`/deliveries`: the inbox, one delivery with its outcome, its body and its replay."""

import shlex
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.ingest import replay as ingest_replay
from receiver.ingest.route_suggestions import suggest_routes
from receiver.sources import SOURCES
from receiver.storage import deliveries, delivery_problems, own_deliveries
from receiver.storage.db import Row
from receiver.storage.deliveries import Filter
from receiver.storage.dimensions import Own
from receiver.storage.paging import DEFAULT_LIMIT, Page
from receiver.web import auth
from receiver.web.context import services
from receiver.web.filters import DeliveriesQuery, page_filter
from receiver.web.pages.render import next_link, page, wants_json
from receiver.web.problem import json_response
from receiver.web.refusals import refusals

blueprint = Blueprint("deliveries", __name__)
PREVIEW_BYTES = 200_000
PROPOSAL_DELIVERIES = 300  # the newest ignored ones, from which routes are proposed
BODY_FILE = "delivery.body"

_HUB = """import hmac, os
body = open("delivery.body", "rb").read()
digest = hmac.new(os.environ["SECRET"].encode(), body, "sha256").hexdigest()
print("X-Hub-Signature-256: sha256=" + digest)"""

_STANDARD = """import base64, hmac, os, sys, time
body, now = open("delivery.body", "rb").read(), str(int(time.time()))
key = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
signed = (sys.argv[1] + "." + now + ".").encode() + body
digest = base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
print("webhook-id: " + sys.argv[1] + "\\nwebhook-timestamp: " + now)
print("webhook-signature: v1," + digest)"""

_SIGNED = ("webhook-id", "webhook-timestamp")  # the new request has its own


@blueprint.get("/deliveries.json", endpoint="list_json")
@blueprint.get("/deliveries", endpoint="list_")
def list_() -> Response:
    """Show what needs somebody, each sender, and the deliveries, newest first, with filters."""
    own = auth.require("read").project
    conditions, after = page_filter(DeliveriesQuery, request.args), request.args.get("after")
    reader = _Reader(own)
    items, cursor = reader.items(Filter(**conditions), after)
    database = services().database
    values = {
        "problems": [
            row | {"advice": advice(row["outcome"], row["reason"])}
            for row in reader.of_senders(delivery_problems.read_problems(database))
        ],
        "refusals": reader.of_senders(refusals()),
        "senders": reader.of_senders(_senders(deliveries.senders(database))),
        "items": items,
    }
    if wants_json():
        return json_response(values | {"next": cursor})
    more = next_link(conditions, cursor)
    return page(
        "deliveries.html",
        filter=conditions,
        next=more,
        sources=sorted(SOURCES),
        own=own,
        is_first=not conditions and not after,
        **values,
    )


class _Reader:
    """Reads what a caller may see: everything, or the deliveries of their projects."""

    def __init__(self, own: Own) -> None:
        self._own, self._database = own, services().database
        self._senders = services().rules.senders()

    def items(self, filters: Filter, after: str | None) -> Page:
        """Return a page of deliveries."""
        if self._own is None:
            return deliveries.list_page(self._database, filters, DEFAULT_LIMIT, after)
        return own_deliveries.list_page(
            self._database, filters, self._senders, self._own, DEFAULT_LIMIT, after
        )

    def of_senders(self, rows: list[Row]) -> list[Row]:
        """Return those rows whose source and sender the caller may know of."""
        if self._own is None:
            return rows
        found = own_deliveries.own_senders(self._database, self._senders, self._own)
        keys = {(each.source, each.name) for each in found}
        return [row for row in rows if (row["source"], row["sender"]) in keys]


def advice(outcome: str, reason: str | None) -> str:
    """Return what to do about a delivery that was not used; pure."""
    text = reason or ""
    if outcome == "ignored":
        return "If it builds an image, add a route for the job or a hook in it; then replay it."
    if text.startswith("a defect of Milepost"):
        return "Nothing is lost: upgrade the receiver, then replay it."
    if "project" in text:
        return "Let the sender write that project, or correct its route; then replay it."
    return "Open the newest one, correct what its reason names, then replay it."


@blueprint.get("/deliveries/routes")
def routes() -> Response:
    """Show routes proposed for the newest deliveries that no route uses."""
    auth.require_read()
    return page("routes.html", proposals=suggest_routes(services(), PROPOSAL_DELIVERIES))


@blueprint.get("/deliveries/<uuid:delivery_id>")
def show(delivery_id: UUID) -> Response:
    """Show one delivery; its body for administrators only."""
    caller = auth.require("read")
    if caller.project is not None:
        senders = services().rules.senders()
        own_deliveries.require_own(services().database, senders, caller.project, delivery_id)
    delivery = deliveries.read(services().database, delivery_id)
    is_admin = caller.allows("admin") and caller.project is None
    source, body = delivery["source"], delivery.pop("body")
    sender = f"/{delivery['sender']}" if delivery["sender"] else ""
    query = f"?{delivery['query']}" if delivery["query"] else ""
    url = f"{request.host_url}webhooks/{source}{sender}{query}"
    return page(
        "delivery.html",
        delivery=delivery,
        is_pruned=body is None,
        body=_text(body) if body is not None and is_admin else None,
        advice=advice(delivery["outcome"], delivery["reason"]),
        unused=delivery_problems.UNUSED,
        is_everything=caller.project is None,
        # A delivery through the API has no webhook.
        curl=source != "api" and curl_command(url, source, delivery["headers"]),
        body_file=BODY_FILE,
    )


@blueprint.get("/deliveries/<uuid:delivery_id>/body")
def body(delivery_id: UUID) -> Response:
    """Return the raw body as a download: a browser must never render it."""
    auth.require_admin()
    delivery = deliveries.read(services().database, delivery_id)
    response = Response(delivery["body"] or b"", mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{BODY_FILE}"'
    return response


@blueprint.post("/deliveries/<uuid:delivery_id>/replay")
def replay(delivery_id: UUID) -> BaseResponse:
    """Parse a delivery again with the present parsers, routes and stage map."""
    auth.require_admin()
    ingest_replay.replay(services(), delivery_id, auth.actor())
    return redirect(url_for("deliveries.show", delivery_id=delivery_id), 303)


def _senders(heard: list[Row]) -> list[Row]:
    """Return the senders that were heard, then those that are set up and silent."""
    known = {(row["source"], row["sender"]) for row in heard}
    silent = [
        {"source": sender.source, "sender": sender.name, "last_heard_at": None}
        for sender in services().rules.senders()
        if (sender.source, sender.name) not in known
    ]
    return heard + silent


def _text(content: bytes) -> str:
    """Return JSON indented, other text as it is, and the beginning of a long body."""
    text = content[:PREVIEW_BYTES].decode("utf-8", "replace")
    if len(content) > PREVIEW_BYTES:
        return f"{text}\n… {len(content) - PREVIEW_BYTES} bytes more"
    try:
        document: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return text
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def curl_command(url: str, source: str, headers: Mapping[str, str]) -> str:
    """Return lines for bash that send a stored delivery again; pure.

    The secret comes from a variable of the shell and goes to curl over a pipe: everybody may read
    the arguments of a process.
    """
    unsigned = {name: value for name, value in headers.items() if name not in _SIGNED}
    options = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sorted(unsigned.items())]
    lines = [
        f"curl --data-binary @{BODY_FILE} -H @<({_proof(source, headers)})",
        *options,
        shlex.quote(url),
    ]
    return "export SECRET=…   # the sender's\n" + " \\\n  ".join(lines)


def _proof(source: str, headers: Mapping[str, str]) -> str:
    """Return a command that prints the headers which prove the sender."""
    if "webhook-timestamp" in headers:
        message_id = shlex.quote(headers.get("webhook-id", ""))
        return f"python3 -c {shlex.quote(_STANDARD)} {message_id}"
    if source == "github":
        return f"python3 -c {shlex.quote(_HUB)}"
    if source == "gitlab":
        return """printf 'X-Gitlab-Token: %s' "$SECRET\""""
    if source == "jenkins":
        return """printf 'Authorization: Basic %s' "$(printf %s "$SECRET" | base64 -w0)\""""
    return """printf 'Authorization: Bearer %s' "${SECRET#bearer:}\""""
