"""From a request to a recorded delivery. No connection is held while the body is read."""

import traceback
from pathlib import Path

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from receiver import log
from receiver.domain.delivery import Content, Delivery, Outcome, Report, Request, Sender
from receiver.domain.fold.events import never_ran
from receiver.domain.quarantine import quarantine
from receiver.errors import Invalid, SenderUnavailable, Unauthorized
from receiver.ingest.defaults import with_defaults
from receiver.ingest.routing import Routes
from receiver.ingest.rules import Rules
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.sources.base import Source
from receiver.sources.json_body import Decoded
from receiver.storage import record

# What a defect in a parser of ours raises. The forge's delivery is kept all the same: nobody else
# has it, and `milepost replay` reads it again once the parser is mended.
DEFECTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def accept(services: Services, source: Source, sender: Sender, request: Request) -> Outcome:
    """Return the outcome of one request. Raises Unauthorized, Conflict, Invalid, Unavailable."""
    # 1 Verify the raw bytes with the sender's own secrets.
    _verify(source, sender, request)
    # 2 Decode the body once, and identify the delivery.
    body = decoded_body(source, request)
    document = body.document if isinstance(body, Decoded) else {}
    event_type, key = source.identify(request, document)
    name, projects = source.name, sender.projects
    delivery = Delivery(uuid7(), name, sender.name, event_type, key, request, projects, source.own)
    # 3 Parse it, route it, fill in the defaults.
    try:
        content = content_of(services.rules, delivery, body)
    except Invalid:  # of a format of ours: it may be a duplicate of one that was right
        if earlier := record.find(services.database, delivery):
            return earlier
        raise
    # 4 A heartbeat only touches its builds.
    if content.is_heartbeat:
        return _touch(services, replace(delivery, content=content))
    # 5 Record it.
    return services.batcher.submit(replace(delivery, content=content))


def _verify(source: Source, sender: Sender, request: Request) -> None:
    """Raise Unauthorized, or SenderUnavailable where a sender cannot be verified here: it keeps
    what it sent, while a 401 would let it give up."""
    if sender.is_disabled:
        raise SenderUnavailable(sender.problem)
    try:
        source.verify(request, sender.secrets)
    except Unauthorized:
        if sender.unread:
            raise SenderUnavailable(sender.problem) from None
        raise


def decoded_body(source: Source, request: Request) -> Decoded | Invalid:
    """Return the decoded body, or the reason why it cannot be read."""
    try:
        return source.decode(request)
    except Invalid as error:
        return error


def content_of(rules: Rules, delivery: Delivery, body: Decoded | Invalid) -> Content:
    """Return the content of a delivery, routed and with defaults.

    A forge cannot mend what Milepost does not understand, so its delivery is quarantined. Raises
    Invalid, with each wrong field, for formats of ours.
    """
    source = SOURCES[delivery.source]
    try:
        return _read(rules, source, delivery, body)
    except Invalid as error:
        if source.own:
            raise
        return quarantine(error)
    except DEFECTS as error:
        if source.own:  # a hook keeps what is answered with 500, and sends it again
            raise
        return _quarantine_defect(source, error)


def _touch(services: Services, delivery: Delivery) -> Outcome:
    record.touch(services.database, delivery)
    statements = delivery.content.statements
    numbers = tuple(statement.build_number for statement in statements)
    return Outcome(None, "heard", build_numbers=numbers, identity=statements[0].identity)


def _read(rules: Rules, source: Source, delivery: Delivery, body: Decoded | Invalid) -> Content:
    request = delivery.request
    if not request.headers.get("content-type"):
        raise Invalid("It has no Content-Type.")
    if isinstance(body, Invalid):
        raise body
    content = routed(source.read(request, body), rules.routes())
    return with_defaults(content, delivery, rules.named_senders())


def _quarantine_defect(source: Source, error: Exception) -> Content:
    """Return a content that names where the parser failed; the error's text may hold input."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
    log.unexpected(error, source=source.name)
    return Content(outcome="quarantined", reason=f"a defect of Milepost: {place}")


def routed(content: Content, routes: Routes) -> Content:
    """Return the content with the reports that have events, and the builds that routes make."""
    reports = [report for report in content.reports if report.statement.events]
    if content.reports and not reports:
        return Content(outcome="ignored", reason="it does not say how a build goes")
    return replace(content, reports=tuple(_routed_report(report, routes) for report in reports))


def _routed_report(report: Report, routes: Routes) -> Report:
    """Return the report with its route's build; a whole run has no job, and no route.

    That a job never ran makes no build: it only ends one that another delivery of the job has made.
    """
    match = routes.match(report.subject) if report.subject.job else None
    if match is None:
        return report
    statement = replace(report.statement, inferred=match.identity)
    if all(never_ran(event) for event in statement.events):
        return replace(report, statement=statement)
    return replace(report, number=match.build_number, statement=statement)
