"""accept(): verify, identify, parse, then store. No connection is held while it parses."""

from dataclasses import dataclass, replace

from uuid_utils.compat import uuid7

from receiver import store
from receiver.errors import Invalid
from receiver.model import Delivery, Parsed, Report, Request, Sender, Source
from receiver.routes import Routes
from receiver.services import Services


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the sender is told: the delivery's id, its outcome and the builds it is about.

    `delivery_id` is None where nothing had to be kept (heartbeats).
    """

    delivery_id: str | None
    outcome: str
    duplicate: bool
    build_numbers: tuple[str, ...]


def accept(services: Services, source: Source, sender: Sender, request: Request) -> Accepted:
    """Take one request; raises Unauthorized, Conflict, Invalid or Unavailable."""
    database = services.database
    source.verify(request, sender.secrets)
    event_type, key = source.identify(request)
    delivery = Delivery(uuid7(), source.name, sender.name, event_type, key, request)
    try:
        parsed = routed(source.parse(request), services.routes())
    except Invalid as error:
        if not source.own:
            parsed = Parsed(outcome="quarantined", reason=_reason(error))
        elif before := store.known(database, delivery):
            return _accepted(before)
        else:
            raise
    if _is_heartbeat(parsed):
        numbers = tuple(statement.build_number for statement in parsed.statements)
        store.heard(database, numbers, request.received_at)
        return Accepted(None, "heard", duplicate=False, build_numbers=numbers)
    return _accepted(store.record(database, delivery, parsed, services.stages()))


def _accepted(recorded: store.Recorded) -> Accepted:
    return Accepted(str(recorded.id), recorded.outcome, recorded.duplicate, recorded.build_numbers)


def routed(parsed: Parsed, routes: Routes) -> Parsed:
    """Each report that says something, with the build that the first fitting route makes of it."""
    telling = [report for report in parsed.reports if report.statement.events]
    if parsed.reports and not telling:
        return Parsed(outcome="ignored", reason="it does not say how a build goes")
    return replace(parsed, reports=tuple(_routed(report, routes) for report in telling))


def _routed(report: Report, routes: Routes) -> Report:
    match = routes.match(report.subject) if report.subject.job else None
    if match is None:  # or it speaks of a whole run, which no route makes a build
        return report
    statement = replace(report.statement, inferred=match.identity)
    return replace(report, number=match.build_number, statement=statement)


def _reason(error: Invalid) -> str:
    """What is wrong, for the inbox; field names and our own words, never the input."""
    fields = [f"{name}: {' '.join(texts)}" for name, texts in error.fields.items()]
    return " ".join([error.detail, *fields])[:500]


def _is_heartbeat(parsed: Parsed) -> bool:
    events = [event for statement in parsed.statements for event in statement.events]
    return bool(events) and all(event.kind == "heartbeat" for event in events)
