"""The values of deliveries, frozen: the request, what a source reads in it, what becomes of it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from receiver.domain.model import Identity, Statement

# A secret as it is, or in bytes the SHA-256 of the text that its sender shows as proof.
Secret = str | bytes


class Subject(Struct, frozen=True):
    """The job that a forge speaks of, for the routes: what may make it a build."""

    source: str
    repository: str
    run: str
    job: str = ""
    workflow: str | None = None
    branch: str | None = None
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)


class Report(Struct, frozen=True):
    """What a forge says of one of its jobs; a hook or a route tells which build it is of.

    `statement` has no build number yet; `number` is the build that a route makes of it. `alias` is
    a second key, such as its runner's name, that jobs share: it counts between `began` and `ended`.
    """

    statement: Statement
    subject: Subject
    alias: str | None = None
    began: datetime | None = None
    ended: datetime | None = None
    number: str | None = None


class Sender(Struct, frozen=True):
    """A named user of a source; an empty name is the source's default sender.

    `projects` are those that it may write; none named is every one. `unread` is how many further
    secrets no key here decrypts. Nothing is taken from a disabled one.
    """

    source: str
    name: str
    secrets: tuple[Secret, ...]
    projects: tuple[str, ...] = ()
    unread: int = 0
    is_disabled: bool = False

    @property
    def problem(self) -> str:
        """Why its deliveries cannot be taken here now, in a sentence; empty without a reason."""
        if self.is_disabled:
            return (
                "This sender is disabled: an administrator enables it by `milepost sender enable`."
            )
        if self.unread:
            return "No key here decrypts this sender's secret: `milepost doctor` says more."
        return ""


class Request(Struct, frozen=True):
    """One HTTP request to a webhook route: headers by lower-case name, the body as it came."""

    headers: Mapping[str, str]
    body: bytes
    query: str
    received_at: datetime


class Content(Struct, frozen=True):
    """What a source read in a delivery; `outcome` is stored, ignored or quarantined.

    `keeps_body` is False for a body that nobody shall be able to read here.
    """

    statements: tuple[Statement, ...] = ()
    reports: tuple[Report, ...] = ()
    outcome: str = "stored"
    reason: str | None = None
    flags: tuple[str, ...] = ()
    keeps_body: bool = True

    @property
    def all_statements(self) -> tuple[Statement, ...]:
        """The statements, those of the reports too."""
        return (*self.statements, *(report.statement for report in self.reports))

    @property
    def is_of_checks(self) -> bool:
        """Whether it says nothing of its builds but their checks."""
        return bool(self.statements) and all(each.is_of_checks for each in self.all_statements)

    @property
    def is_heartbeat(self) -> bool:
        """Whether it holds heartbeats alone."""
        events = [event for statement in self.statements for event in statement.events]
        has_checks = any(statement.checks for statement in self.statements)
        return bool(events) and not has_checks and all(e.kind == "heartbeat" for e in events)


class Delivery(Struct, frozen=True):
    """A verified request and its content; `projects` are those that its sender may write.

    `own` is a format of ours, whose delivery keys name one body; a forge may repeat a key with
    another body.
    """

    id: UUID
    source: str
    sender: str
    event_type: str
    key: str
    request: Request
    projects: tuple[str, ...] = ()
    own: bool = True
    content: Content = Content()


class Outcome(Struct, frozen=True):
    """What became of a delivery. `kind` is stored, ignored, quarantined, or heard for heartbeats,
    which are not kept and have no delivery id but an identity. `duplicate`: it was here before."""

    delivery_id: UUID | None
    kind: str
    duplicate: bool = False
    build_numbers: tuple[str, ...] = ()
    identity: Identity | None = None
