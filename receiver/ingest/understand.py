"""What a delivery says: its source's parser, then routes, defaults and the sender's projects.

Nothing here waits or writes.
"""

import traceback
from pathlib import Path

from msgspec.structs import replace

from receiver import log
from receiver.domain.model import (
    DIMENSIONS,
    Delivery,
    Identity,
    Parsed,
    Report,
    Source,
    Statement,
    Subject,
)
from receiver.errors import Invalid
from receiver.ingest.routing import Routes
from receiver.ingest.senders import Senders
from receiver.ingest.services import Services
from receiver.sources import SOURCES, packer_manifest

# What a defect in a parser of ours raises. The forge's delivery is kept all the same: nobody else
# has it, and `milepost replay` reads it once the parser is mended.
DEFECTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def understood(services: Services, delivery: Delivery) -> Parsed:
    """What a delivery says; a forge cannot mend what we do not understand, so it is quarantined.

    Invalid, with each wrong field, for our own formats.
    """
    source = SOURCES[delivery.source]
    if not delivery.request.headers.get("content-type"):
        return quarantined(Invalid("It has no Content-Type."))
    try:
        parsed = routed(source.parse(delivery.request), services.rules.routes())
        return filled(parsed, delivery, services.rules.named_senders())
    except Invalid as error:
        if source.own:
            raise
        return quarantined(error)
    except DEFECTS as error:
        if source.own:  # a hook keeps what is answered with 500, and sends it again
            raise
        return _broken(source, error)


def _broken(source: Source, error: Exception) -> Parsed:
    """Kept, with where our parser broke; its text could hold what the delivery says."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
    log.unexpected(error, source=source.name)
    return Parsed(outcome="quarantined", reason=f"a defect of Milepost: {place}")


def quarantined(error: Invalid) -> Parsed:
    """Kept, with what is wrong, to be read again some day."""
    return Parsed(outcome="quarantined", reason=_reason(error))


def routed(parsed: Parsed, routes: Routes) -> Parsed:
    """Each report that says something, with the build that the first fitting route makes of it."""
    telling = [report for report in parsed.reports if report.statement.events]
    if parsed.reports and not telling:
        return Parsed(outcome="ignored", reason="it does not say how a build goes")
    return replace(parsed, reports=tuple(_routed(report, routes) for report in telling))


def filled(parsed: Parsed, delivery: Delivery, senders: Senders) -> Parsed:
    """With what the senders file tells where the delivery does not; Invalid where it names a
    project that its sender may not write."""
    statements = tuple(_filled(each, delivery, senders) for each in parsed.statements)
    reports = tuple(
        replace(each, statement=_filled(each.statement, delivery, senders, each.subject))
        for each in parsed.reports
    )
    return replace(parsed, statements=statements, reports=reports)


def _filled(
    statement: Statement, delivery: Delivery, senders: Senders, subject: Subject | None = None
) -> Statement:
    if not senders.defaults:  # nothing to fill: a parser has told all that it guesses
        return _within(statement, delivery.projects)
    guess = packer_manifest.infer(statement.manifest) if statement.manifest else Identity()
    known = {
        "source": delivery.source,
        "sender": delivery.sender,
        "for_project": _project(statement) or "",
        "build_number": statement.build_number,
        "builder_type": guess.platform or "",
        "branch": statement.run.branch or "",
        "job": subject.job if subject else "",
    }
    told = senders.identity(known, subject.variables if subject else {})
    # A route and a query are what somebody chose; what a builder's type tells is a guess.
    chosen = _over(_without(statement.inferred, guess), told)
    return _within(replace(statement, inferred=_over(chosen, guess)), delivery.projects)


def _without(told: Identity, guess: Identity) -> Identity:
    kept = {name: getattr(told, name) for name in DIMENSIONS}
    return Identity(**{n: text for n, text in kept.items() if text != getattr(guess, n)})


def _within(statement: Statement, projects: tuple[str, ...]) -> Statement:
    """A sender's only project stands where none is told; Invalid where it is another's."""
    project = _project(statement)
    if not projects or project in projects:
        return statement
    if project is None and len(projects) == 1:
        return replace(statement, inferred=replace(statement.inferred, project=projects[0]))
    if project is None:
        raise Invalid(fields={"build.project": [f"Name one of {', '.join(projects)}."]})
    raise Invalid(fields={"build.project": [f"This sender writes {', '.join(projects)} only."]})


def identity(statement: Statement) -> Identity:
    """What this statement alone tells: said, else signed custom_data, else inferred."""
    return _over(_over(statement.said, statement.custom), statement.inferred)


def _project(statement: Statement) -> str | None:
    return identity(statement).project


def _over(first: Identity, last: Identity) -> Identity:
    told = {name: getattr(first, name) or getattr(last, name) for name in DIMENSIONS}
    return Identity(**told)


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
