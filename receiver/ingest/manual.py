"""What is said of a build through the API or a command: a delivery of source `api`, and a line in
the audit trail, in one transaction.

The number is locked first, then what was said through the API before, then the build: so two of
them never wait for each other, nor for a replay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
from uuid_utils.compat import uuid7

from receiver.domain import redact
from receiver.domain.model import NUMBER_PROBLEM, NUMBER_SHAPE, Delivery, Json, Parsed, Request
from receiver.errors import Ended, Forbidden, Invalid, NotFound, Taken
from receiver.ingest.services import Services
from receiver.ingest.understand import understood
from receiver.storage import audit, deliveries, record
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection, Row, query
from receiver.storage.dimensions import is_within

STANDING = ("status", "current_state", "attempt")
GOING = ("pending", "running")
NO_BUILD = "There is no build of this number."


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says something, of which project they may (None: every one), and the id they give it."""

    who: Actor
    project: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """What became of it: the delivery, whether it had been said before, how the build stands."""

    delivery_id: str
    duplicate: bool
    build: Row


def told(stated: Stated) -> Row:
    """The answer to who said it: how the build stands, and the delivery."""
    row = {name: stated.build[name] for name in ("build_number", *STANDING)}
    return row | {"delivery_id": stated.delivery_id, "duplicate": stated.duplicate}


def create(services: Services, speaker: Speaker, number: str, said: Json) -> Stated:
    """A build ahead of its first report; Taken where there is one of this number.

    Without a project it is of the speaker's, where they may write one alone; Forbidden for others.
    """
    known = {"created_by": speaker.who.name} | said
    if speaker.project:
        known.setdefault("project", speaker.project)

    def check(connection: Connection, before: Row | None) -> None:
        if before:
            raise Taken("There is a build of this number.")
        if not is_within(connection, known.get("project"), speaker.project):
            raise Forbidden(f"This token is for the project {speaker.project} alone.")

    return _state(services, speaker, _delivery(speaker, number, "build", known), check)


def cancel(services: Services, speaker: Speaker, number: str, said: Json) -> Stated:
    """Nobody goes on with a build; Ended where it has ended by itself."""

    def check(connection: Connection, before: Row | None) -> None:
        _may_write(connection, before, speaker)
        if before and before["status"] not in GOING:
            raise Ended(f"The build is {before['status']}.")

    return _state(services, speaker, _delivery(speaker, number, "cancel", said), check)


def add(services: Services, speaker: Speaker, number: str, kind: str, said: Json) -> Stated:
    """A state, a failure or an artifact of a build; NotFound, Invalid."""

    def check(connection: Connection, before: Row | None) -> None:
        _may_write(connection, before, speaker)

    return _state(services, speaker, _delivery(speaker, number, kind, said), check)


def _may_write(connection: Connection, build: Row | None, speaker: Speaker) -> None:
    if build is None or not is_within(connection, build["project"], speaker.project):
        raise NotFound(NO_BUILD)


def _delivery(speaker: Speaker, number: str, kind: str, said: Json) -> Delivery:
    """The request in one form, so that the same key again is known by its body."""
    if not NUMBER_SHAPE.fullmatch(number):
        raise Invalid(fields={"build_number": [NUMBER_PROBLEM]})
    document = {"build_number": number, "kind": kind, "said": said}
    headers = {"content-type": "application/json"}
    request = Request(
        headers | ({"idempotency-key": speaker.key} if speaker.key else {}),
        orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z),
        "",
        datetime.now(UTC),
    )
    key = speaker.key or str(uuid4())
    return Delivery(uuid7(), "api", speaker.who.name, kind, key, request)


def _state(
    services: Services,
    speaker: Speaker,
    delivery: Delivery,
    check: Callable[[Connection, Row | None], None],
) -> Stated:
    document = orjson.loads(delivery.request.body)
    parsed, stages = _understood(services, delivery), services.rules.stages()
    row = {"build_number": document["build_number"]}
    with services.database.transaction() as connection:
        connection.execute(query("record/lock_number"), row)
        connection.execute(query("record/lock_said"), row)
        before = connection.execute(query("record/lock_standing"), row).fetchone()
        recorded = deliveries.known(connection, delivery)
        if recorded is None:
            check(connection, before)
            recorded = record.record_on(connection, delivery, parsed, stages)
        after = connection.execute(query("record/lock_standing"), row).fetchone()
        assert after is not None  # noqa: S101  # it was recorded
        if not recorded.duplicate:
            _note(connection, speaker, document, before, after)
    return Stated(str(recorded.id), recorded.duplicate, after)


def _understood(services: Services, delivery: Delivery) -> Parsed:
    """With what the senders file tells; field names are the request's own."""
    try:
        return understood(services, delivery)
    except Invalid as error:
        named = {name.removeprefix("said."): texts for name, texts in error.fields.items()}
        raise type(error)(error.detail, fields=named) from error


def _note(
    connection: Connection, speaker: Speaker, document: Json, before: Row | None, after: Row
) -> None:
    target = Target("build", after["build_number"])
    action = f"build.{'create' if document['kind'] == 'build' else document['kind']}"
    audit.note_change(
        connection,
        speaker.who,
        action,
        target,
        _standing(before) if before else None,
        _standing(after) | {"said": redact.document(document["said"])},
    )


def _standing(build: Row) -> dict[str, Any]:
    return {name: build[name] for name in STANDING}
