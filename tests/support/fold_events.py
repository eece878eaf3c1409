"""Statements as the fold takes them, in short, and the rows that it returns."""

from datetime import datetime, timedelta
from typing import Any

from receiver.domain.fold import fold as rules
from receiver.domain.fold.events import StoredStatement
from receiver.domain.fold.projection import BuildRows
from receiver.domain.model import Event, Run, Statement
from receiver.domain.stage_map import StageMap
from receiver.sources.packer_manifest import artifacts
from tests.support.senders import START, manifest


def moment(minutes: float) -> datetime:
    """Return the time so many minutes after START."""
    return START + timedelta(minutes=minutes)


def stage(name: str | None, status: str, minutes: float, **more: Any) -> Event:
    return Event("stage", moment(minutes), status=status, stage=name, **more)


def verdict(status: str, minutes: float, **more: Any) -> Event:
    return Event("build", moment(minutes), status=status, **more)


def statement(
    *events: Event, run: str = "run-1", source: str = "milepost", **more: Any
) -> StoredStatement:
    known = {name: more.pop(name) for name in ("attempt", "resumed_from") if name in more}
    return StoredStatement(
        (run, len(events)), source, Statement("b-1", Run(run, **known), events, **more)
    )


def fold(*statements: StoredStatement) -> BuildRows:
    return rules.fold(
        statements,
        lambda _project: lambda name, is_forge: StageMap().mapped(name, [], is_forge=is_forge),
    )


def manifest_event(minutes: float) -> Event:
    document = manifest({"builder_type": "amazon-ebs", "artifact_id": "eu-west-1:ami-1"})
    return Event("manifest", moment(minutes), manifest_sha256="abc", artifacts=artifacts(document))
