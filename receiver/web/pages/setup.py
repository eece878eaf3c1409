"""`/setup`: the senders, how each goes, a test delivery, and the lines to paste."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request

from receiver.config import DEFAULT_URL
from receiver.domain.delivery import Sender
from receiver.domain.notices import planning
from receiver.errors import NotFound
from receiver.ingest.sender_store import why_in_file
from receiver.ingest.senders import Senders
from receiver.settings.names import SOURCES as SOURCE_NAMES
from receiver.storage import deliveries, notices, unnamed
from receiver.storage.db import Row
from receiver.web import auth
from receiver.web.context import services, serving_of
from receiver.web.forms import form_fields
from receiver.web.pages.render import page, wants_json
from receiver.web.pages.setup_lines import TABS, Tab, address_of, blocks_of, setup_lines
from receiver.web.pages.setup_test import TestResult, run_test
from receiver.web.problem import json_response
from receiver.web.refusals import OTHER, refusals

blueprint = Blueprint("setup", __name__)
Key = tuple[str, str]


@blueprint.get("/setup.json", endpoint="show_json")
@blueprint.get("/setup")
def show() -> Response:
    """Show every sender that may post here."""
    auth.require_read()
    if wants_json():
        refused = refusals()
        values = {"items": _cards(refused), "refusals": refused, "unnamed": _unnamed()}
        return json_response(values)
    return show_page()


@blueprint.post("/setup/test")
def test() -> Response:
    """Accept a delivery as this sender would sign it."""
    auth.require_write()
    source, name = form_fields().get("source", ""), form_fields().get("sender", "")
    sender = services().rules.sender(source, name)
    if sender is None:
        raise NotFound("There is no such sender.")
    result = run_test(services(), sender, address_of(base_url(), source, name))
    return show_page({(source, name): result})


def base_url() -> str:
    """Return the receiver's own address: as it is set, else as this reader sees it."""
    set_url = services().config.external_url
    return request.host_url.rstrip("/") if set_url == DEFAULT_URL else set_url


def show_page(
    results: dict[Key, TestResult] | None = None,
    made: Row | None = None,
    asked: Row | None = None,
) -> Response:
    """Show the page: `results` are of tests that were just made, `made` is a sender with its new
    secret in its lines, `asked` are the fields of one that was refused, with its `problems`."""
    refused = refusals()
    tab = _tab()
    names: dict[str, list[str]] = {}
    for each in services().rules.senders():
        names.setdefault(each.source, []).append(each.name)
    name = request.args.get("sender", "")
    return page(
        "setup.html",
        senders=_cards(refused),
        results=results or {},
        made=made,
        asked=asked or {},
        may_change=_may_change(),
        why_not=why_in_file(services().config),
        sources=SOURCE_NAMES,
        strangers=[row for row in refused if row["sender"] == OTHER],
        tabs=TABS,
        tab=tab,
        blocks=blocks_of(tab, base_url(), names, name),
        choices=sorted({each for part in tab.parts for each in names.get(part[1], ())}),
        chosen=name,
        unnamed=_unnamed(),
    )


def _may_change() -> bool:
    grant = auth.caller()
    return grant is not None and grant.allows("admin") and grant.project is None


def _place(sender: Sender) -> str:
    """Return where a sender is kept: in the settings, a file or the database."""
    rules = services().rules
    if not sender.name:
        return "settings"
    if rules.is_sender_file_given:
        return "file"
    stored: Senders = rules.stored.get("senders")
    return "database" if stored.find(sender.source, sender.name) else "file"


def _tab() -> Tab:
    key = request.args.get("tab")
    return next((each for each in TABS if each.key == key), TABS[0])


def _unnamed() -> list[Row]:
    with services().database.transaction() as connection:
        found = unnamed.list_unnamed(connection, datetime.now(UTC), serving_of())
    rows: list[Row] = found["repositories"]
    return rows


def _cards(refused: list[Row]) -> list[Row]:
    """Return each sender with its state, when it was last heard and what of it was refused."""
    now = datetime.now(UTC)
    with services().database.transaction() as connection:
        heard = {_key(row): row for row in notices.read_silences(connection)}
    counted = {_key(row): row for row in deliveries.senders(services().database)}
    return [
        _card(
            each,
            heard.get((each.source, each.name)),
            counted.get((each.source, each.name), {}),
            [row for row in refused if _key(row) == (each.source, each.name)],
            now,
        )
        for each in services().rules.senders()
    ]


def _card(
    sender: Sender, heard: Row | None, counted: Row, refused: list[Row], now: datetime
) -> Row:
    last = heard and heard["last_heard_at"]
    return {
        "source": sender.source,
        "name": sender.name,
        "projects": sender.projects,
        "secrets": len(sender.secrets) + sender.unread,
        "place": _place(sender),
        "problem": sender.problem,
        "state": "stopped" if sender.problem else _state(heard, refused, now),
        "heard": last,
        "day_count": counted.get("day_count", 0),
        "quarantined_count": counted.get("quarantined_count", 0),
        "refusals": refused,
        "lines": setup_lines(base_url(), sender.source, sender.name),
    }


def _state(heard: Row | None, refused: list[Row], now: datetime) -> str:
    """Return how a sender goes: refused since it was last heard, never heard, silent or heard."""
    last = heard and heard["last_heard_at"]
    if refused and (last is None or refused[0]["last_at"] > last):
        return "refused"
    if heard is None:
        return "unheard"
    return "silent" if planning.is_silent(heard, now) else "heard"


def _key(row: Row) -> Key:
    return (row["source"], row["sender"])
