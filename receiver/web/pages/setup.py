"""/setup: each sender, when it was last heard, a test, and the lines to paste."""

import orjson
from flask import Blueprint, Response, make_response, render_template, request

from receiver.domain.model import Sender
from receiver.errors import HttpError, Invalid, NotFound
from receiver.ingest import accept
from receiver.sources import SOURCES
from receiver.storage import inbox
from receiver.storage.db import Row
from receiver.web import auth
from receiver.web.context import services
from receiver.web.pages import paste, selftest

blueprint = Blueprint("setup", __name__)


@blueprint.get("/setup")
def show() -> Response:
    """Every sender that may post here."""
    auth.require_read()
    return _page()


@blueprint.get("/setup.json")
def show_json() -> Response:
    """The same for programs."""
    auth.require_read()
    return Response(orjson.dumps({"items": _senders()}), mimetype="application/json")


@blueprint.post("/setup/test")
def test() -> Response:
    """Take a delivery as this sender would sign it."""
    auth.require_write()
    source, name = request.form.get("source", ""), request.form.get("sender", "")
    sender = services().rules.sender(source, name)
    if sender is None:
        raise NotFound("There is no such sender.")
    return _page(sender, _tested(sender))


def _tested(sender: Sender) -> str:
    """What became of the test, in words."""
    try:
        accept.accept(services(), SOURCES[sender.source], sender, selftest.request(sender))
    except Invalid:
        return "The signature is right."  # only what is rightly signed gets as far as its fields
    except HttpError as error:
        return f"It was not taken: {error.detail}"
    return "It was taken."


def _page(tested: Sender | None = None, result: str = "") -> Response:
    name = (tested.source, tested.name) if tested else None
    senders = [
        each | {"result": result if name == (each["source"], each["name"]) else ""}
        for each in _senders()
    ]
    response = make_response(render_template("setup.html", senders=senders))
    response.headers["Cache-Control"] = "no-cache"
    return response


def _senders() -> list[Row]:
    heard = {(row["source"], row["sender"]): row for row in inbox.senders(services().database)}
    url = request.host_url.rstrip("/")
    return [
        {
            "source": each.source,
            "name": each.name,
            "projects": each.projects,
            "heard": heard.get((each.source, each.name), {}).get("last_heard_at"),
            "lines": paste.lines(url, each.source, each.name),
        }
        for each in services().rules.senders()
    ]
