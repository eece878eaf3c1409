"""The defaults of the senders file: they fill what a delivery does not state about a build."""

from msgspec.structs import replace

from receiver.domain.delivery import Content, Delivery, Subject
from receiver.domain.model import DIMENSIONS, Identity, Statement
from receiver.ingest.senders import Senders
from receiver.sources import packer_manifest


def with_defaults(content: Content, delivery: Delivery, senders: Senders) -> Content:
    """Return the content with the senders file's defaults, and with its sender's only project."""
    statements = tuple(_filled(each, delivery, senders) for each in content.statements)
    reports = tuple(
        replace(each, statement=_filled(each.statement, delivery, senders, each.subject))
        for each in content.reports
    )
    return replace(content, statements=statements, reports=reports)


def _filled(
    statement: Statement, delivery: Delivery, senders: Senders, subject: Subject | None = None
) -> Statement:
    if not senders.defaults:
        return _with_only_project(statement, delivery.projects)
    facts = _facts(statement, delivery, subject)
    default = senders.identity(facts, subject.variables if subject else {})
    statement = replace(statement, inferred=_first(statement.inferred, default))
    return _with_only_project(statement, delivery.projects)


def _facts(statement: Statement, delivery: Delivery, subject: Subject | None) -> dict[str, str]:
    """Return what the defaults of the senders file match."""
    return {
        "source": delivery.source,
        "sender": delivery.sender,
        "for_project": statement.identity.project or "",
        "build_number": statement.build_number,
        "builder_type": packer_manifest.builder_type(statement.manifest or {}) or "",
        "branch": statement.run.branch or "",
        "job": subject.job if subject else statement.names.get("job", ""),
        "workflow": (subject.workflow if subject else statement.names.get("workflow")) or "",
        "entry": statement.names.get("entry", ""),
    }


def _with_only_project(statement: Statement, projects: tuple[str, ...]) -> Statement:
    """Return the statement with its sender's only project if it names none."""
    if len(projects) != 1 or statement.identity.project is not None:
        return statement
    return replace(statement, inferred=replace(statement.inferred, project=projects[0]))


def _first(higher: Identity, lower: Identity) -> Identity:
    return Identity(**{name: getattr(higher, name) or getattr(lower, name) for name in DIMENSIONS})
