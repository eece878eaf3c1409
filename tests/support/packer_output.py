"""Packer's output, read to its end: the events of each target."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hooks.redact import Redactor
from hooks.wrapper.parser import Reader
from hooks.wrapper.target import Part
from hooks.wrapper.template import Source, Template
from receiver.sources.milepost import EVENT
from tests.support.senders import START

Summaries = dict[str, list[str]]


def read(
    text: str,
    part: Part | None = None,
    secrets: Sequence[str] = (),
    template: Template | None = None,
    asks: bool = False,
) -> Reader:
    """Return a reader that has read the whole text, a second between lines."""
    reader, now = Reader(Redactor(secrets), part, template, asks), START
    for line in text.split("\n"):
        now += timedelta(seconds=1)
        reader.feed(line, now)
    reader.end(now)
    for target in reader.targets.values():
        if target.is_held:  # as an exit code of 0 does
            reader.finish(target, now)
    return reader


def summaries(reader: Reader) -> Summaries:
    """Return a few words for each event of each target; each event is valid."""
    targets: Summaries = defaultdict(list)
    for target, event in reader.take(datetime.max.replace(tzinfo=UTC)):
        EVENT.deserialize(event)
        failure = event.get("failure", {}).get("type")
        word = event.get("stage") or f"{event['kind']} {event['status']}"
        targets[target].append(f"{word} ({failure})" if failure else word)
    return targets


def read_box(text: str, kind: str = "null", **more: Any) -> Reader:
    """Return a reader of a text with one target of this type; `> ` stands for `==> box: `."""
    lines = [line if line[:1] != ">" else f"==> box: {line[2:]}" for line in text.splitlines()]
    template = Template(targets={"box": Source(kind, "box")})
    return read("\n".join(lines) + "\n", **{"template": template, **more})


def box_events(text: str, kind: str = "null", **more: Any) -> list[str]:
    """Return the summaries of the one target of such a text."""
    return summaries(read_box(text, kind, **more))["box"]
