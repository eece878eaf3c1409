"""Manual statements about a build, made through the API or a command.

Each is a delivery of source `api` and a line in the audit trail, in one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import orjson
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from receiver.domain import redact
from receiver.domain.delivery import Content, Delivery, Request
from receiver.domain.model import NUMBER_PROBLEM, NUMBER_SHAPE, Json
from receiver.errors import Ended, Forbidden, Invalid, NotFound, Taken
from receiver.ingest.defaults import with_defaults
from receiver.ingest.services import Services
from receiver.sources import manual as source
from receiver.storage import audit, deliveries, manual, record
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection, Row
from receiver.storage.dimensions import Own, is_within, own_words, projects_within

STATUS = ("status", "current_state", "attempt")
UNFINISHED = ("pending", "running")
NO_BUILD = "There is no build of this number."


@dataclass(frozen=True, slots=True)
class Author:
    """The actor, the only projects that they may write (None: every one), the request's key."""

    actor: Actor
    project: Own = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The delivery, whether it is a duplicate, and how the build stands."""

    delivery_id: str
    duplicate: bool
    build: Row

    def as_row(self) -> Row:
        """Return the answer of the API."""
        row = {name: self.build[name] for name in ("build_number", *STATUS)}
        return row | {"delivery_id": self.delivery_id, "duplicate": self.duplicate}


@dataclass(frozen=True, slots=True)
class _Statement:
    """One statement: `body` is the validated request, `kind` a key of the source's KINDS."""

    number: str
    kind: str
    body: Json


def create(services: Services, author: Author, number: str, body: Json) -> Result:
    """Create a build ahead of its first report. Raises Taken if there is one of this number.

    Without a project it is of the author's only project. Raises Forbidden for another one.
    """
    body = source.default_creator(author.actor.name) | body
    if isinstance(author.project, str):
        body.setdefault("project", author.project)

    def check(connection: Connection, before: Row | None) -> None:
        if before:
            raise Taken("There is a build of this number.")
        if not is_within(connection, body.get("project"), author.project):
            raise Forbidden(f"This token is for {own_words(author.project)} alone.")

    return _record(services, author, _Statement(number, "build", body), check)


def cancel(services: Services, author: Author, number: str, body: Json) -> Result:
    """Cancel a build. Raises Ended if it already finished, NotFound."""

    def check(connection: Connection, before: Row | None) -> None:
        _check_author(connection, before, author)
        if before and before["status"] not in UNFINISHED:
            raise Ended(_ended(before))

    return _record(services, author, _Statement(number, "cancel", body), check)


def add(services: Services, author: Author, number: str, kind: str, body: Json) -> Result:
    """Add a state, a failure or an artifact to a build. Raises NotFound, Invalid."""

    def check(connection: Connection, before: Row | None) -> None:
        _check_author(connection, before, author)

    return _record(services, author, _Statement(number, kind, body), check)


def _ended(build: Row) -> str:
    if build["status"] != "completed":
        return f"The build is {build['status']}."
    number = build["build_number"]
    return f"The build is completed: milepost revoke {number} takes its image back."


def _check_author(connection: Connection, build: Row | None, author: Author) -> None:
    if build is None or not is_within(connection, build["project"], author.project):
        raise NotFound(NO_BUILD)


def _record(
    services: Services,
    author: Author,
    statement: _Statement,
    check: Callable[[Connection, Row | None], None],
) -> Result:
    delivery = _delivery(services, author, statement)
    with services.database.transaction() as connection:
        before = manual.lock_build(connection, statement.number)
        earlier = deliveries.ask(connection, delivery).fetchone()
        outcome = deliveries.duplicate_of(delivery, earlier)
        if outcome is None:
            check(connection, before)
            if author.project:
                projects = projects_within(connection, author.project)
                delivery = replace(delivery, projects=projects)
            if before:
                delivery = _about(delivery, before["build_number"])
            rules = services.rules
            outcome = record.record_one(connection, delivery, rules.stages(), noted=rules.noted())
        after = manual.read_build(connection, statement.number)
        assert after is not None  # noqa: S101  # it was recorded
        if not outcome.duplicate:
            _note(connection, author, statement, before, after)
    return Result(str(outcome.delivery_id), outcome.duplicate, after)


def _about(delivery: Delivery, number: str) -> Delivery:
    """Return the delivery about the build of this number, to which the stated one leads."""
    stated = [replace(each, build_number=number) for each in delivery.content.statements]
    return replace(delivery, content=replace(delivery.content, statements=tuple(stated)))


def _delivery(services: Services, author: Author, statement: _Statement) -> Delivery:
    """Return the delivery; its body has one form, so that a duplicate has the same digest."""
    if not NUMBER_SHAPE.fullmatch(statement.number):
        raise Invalid(fields={"build_number": [NUMBER_PROBLEM]})
    document = {
        "build_number": statement.number,
        "kind": statement.kind,
        "said": statement.body,
    }
    request = Request(
        {"content-type": "application/json"}
        | ({"idempotency-key": author.key} if author.key else {}),
        orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z),
        "",
        datetime.now(UTC),
    )
    key, name = author.key or str(uuid4()), author.actor.name
    delivery = Delivery(uuid7(), "api", name, statement.kind, key, request)
    stated = source.statement(statement.number, statement.kind, statement.body, request.received_at)
    content = with_defaults(Content((stated,)), delivery, services.rules.named_senders())
    return replace(delivery, content=content)


def _note(
    connection: Connection, author: Author, statement: _Statement, before: Row | None, after: Row
) -> None:
    target = Target("build", after["build_number"])
    action = f"build.{'create' if statement.kind == 'build' else statement.kind}"
    audit.note_change(
        connection,
        author.actor,
        action,
        target,
        _status(before) if before else None,
        _status(after) | {"said": redact.document(statement.body)},
    )


def _status(build: Row) -> Row:
    return {name: build[name] for name in STATUS}
