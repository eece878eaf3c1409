"""Statements ⇄ JSON, as the events table keeps them; what is empty is left out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from receiver.model import Artifact, Event, Failure, Identity, Json, Resource, Run, Statement

OPAQUE = ("details", "custom_data", "files")  # the sender's own: kept to the letter


def dump(statement: Statement) -> bytes:
    """The statement without its manifest, which has a column of its own."""
    plain = orjson.loads(orjson.dumps(statement))
    del plain["manifest"]
    return orjson.dumps(_pruned(plain))


def load(build_number: str, plain: Mapping[str, Any]) -> Statement:
    """What dump() made, read back."""
    return Statement(
        build_number=build_number,
        run=Run(**plain["run"]),
        events=tuple(_event(event) for event in plain.get("events", [])),
        said=Identity(**plain.get("said", {})),
        custom=Identity(**plain.get("custom", {})),
        inferred=Identity(**plain.get("inferred", {})),
        created_by=plain.get("created_by"),
        order=tuple(plain.get("order", ())),
    )


def _event(plain: Json) -> Event:
    known = dict(plain)
    known["at"] = datetime.fromisoformat(known["at"])
    if "failure" in known:
        known["failure"] = Failure(**known["failure"])
    if "artifact" in known:
        known["artifact"] = _artifact(known["artifact"])
    if "resource" in known:
        known["resource"] = Resource(**known["resource"])
    known["artifacts"] = tuple(_artifact(each) for each in known.get("artifacts", []))
    return Event(**known)


def _artifact(plain: Json) -> Artifact:
    known = dict(plain)
    for name in {"build_time", "expires_at"} & known.keys():
        known[name] = datetime.fromisoformat(known[name])
    known["files"] = tuple(known.get("files", ()))
    return Artifact(**known)


def _pruned(value: Any) -> Any:
    if isinstance(value, list):
        return [_pruned(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: each if key in OPAQUE else _pruned(each)
        for key, each in value.items()
        if each is not None and each != [] and each != {}
    }
