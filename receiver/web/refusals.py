"""Refused deliveries: counted in this worker's memory, and told with their reasons.

A refused request writes nothing, or whoever knows no secret could make the database write: a thread
adds the counts to the table, at most once a second (receiver/server/refusal_writer.py).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import cast

from flask import Flask, current_app

from receiver.errors import HttpError, Unauthorized
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import refusals as storage
from receiver.storage.db import Row
from receiver.storage.refusals import Refusals
from receiver.web.context import services

OTHER = "?"  # in place of a name that is no sender's: such a name is a text of anybody
MAX_DETAIL = 500
EXTENSION = "milepost_refusals"
Key = tuple[str, str, str]

WHY = {
    "no-signature": "It carried no signature.",
    "wrong-signature": "Its signature is wrong: another secret made it, or the body was changed.",
    "wrong-time": "Its signature is right, but more than five minutes old or in the future.",
    "not-found": "Its address is of no sender: the name is unknown, or the source has no secret.",
}
ADVICE = {
    "no-signature": "Set the secret at the sender. A forge without one signs nothing.",
    "wrong-signature": "Set the sender's secret again, or rotate it and set the new one.",
    "wrong-time": "Let NTP set the clocks of the sender and of this receiver.",
    "not-found": "Compare the address at the sender with the one in its lines.",
    "wrong-method": "The sender must POST.",
    "unsupported-type": "At the sender choose the content type application/json, uncompressed.",
    "too-large": "Send less at once: 5 MiB, a forge 25 MiB.",
    "malformed": "The body ended too soon: a proxy or the network cut it off.",
    "conflict": "Give each delivery an id of its own.",
    "undecodable": "Send one JSON document in UTF-8.",
    "invalid": "Correct the named fields.",
}


class RefusalCounts:
    """The refusals of this worker that are not in the table yet, by sender and reason."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[Key, Refusals] = {}

    def add(self, refusals: Iterable[Refusals]) -> None:
        """Count refusals, also those that could not be written."""
        with self._lock:
            for each in refusals:
                key = (each.source, each.sender, each.reason)
                known = self._counts.get(key)
                self._counts[key] = _sum(known, each) if known else each

    def take(self) -> list[Refusals]:
        """Return what was counted, and forget it."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return [*counts.values()]

    def pending(self) -> list[Refusals]:
        """Return what was counted."""
        with self._lock:
            return [*self._counts.values()]


def register(app: Flask) -> None:
    """Give this app its counts."""
    app.extensions[EXTENSION] = RefusalCounts()


def counts(app: Flask) -> RefusalCounts:
    """Return the counts of an app."""
    return cast(RefusalCounts, app.extensions[EXTENSION])


def count(source: str, sender: str, error: HttpError) -> None:
    """Count a refusal; one that is the receiver's own fault is none."""
    if error.status >= 500 or source not in SOURCES:
        return
    known = services().rules.sender(source, sender) is not None
    reason = error.reason if isinstance(error, Unauthorized) else error.code
    now = datetime.now(UTC)
    name = sender if known else OTHER
    refused = Refusals(source, name, reason, error.code, _detail(error), 1, now)
    counts(current_app).add([refused])


def refusals() -> list[Row]:
    """Return the refusals of the last 7 days, of all receivers, the newest first: source, sender,
    reason, code, count, last_at, why and advice."""
    found = {_key(row): Refusals(**row) for row in storage.read(services().database)}
    for each in counts(current_app).pending():
        key = (each.source, each.sender, each.reason)
        found[key] = _sum(found[key], each) if key in found else each
    ordered = sorted(found.values(), key=lambda each: each.last_at, reverse=True)
    return [_row(each) for each in ordered]


def write(app_services: Services, pending: RefusalCounts) -> None:
    """Add what was counted to the table. Raises Unavailable, and keeps the counts then."""
    taken = pending.take()
    if not taken:
        return
    try:
        storage.add(app_services.database, taken)
    except BaseException:
        pending.add(taken)
        raise


def _sum(one: Refusals, other: Refusals) -> Refusals:
    newest = max(one, other, key=lambda each: each.last_at)
    return replace(newest, count=one.count + other.count)


def _key(row: Row) -> Key:
    return (row["source"], row["sender"], row["reason"])


def _row(refused: Refusals) -> Row:
    return {
        "source": refused.source,
        "sender": refused.sender,
        "reason": refused.reason,
        "code": refused.code,
        "count": refused.count,
        "last_at": refused.last_at,
        "why": WHY.get(refused.reason, refused.detail),
        "advice": ADVICE.get(refused.reason, ""),
    }


def _detail(error: HttpError) -> str:
    """Return the answer in one line: an error's text never repeats a secret."""
    fields = [f"{name}: {' '.join(texts)}" for name, texts in error.fields.items()]
    return " ".join([error.detail, *fields])[:MAX_DETAIL]
