"""Packer's output, read to its end: the events of each target."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hooks.redact import Redactor
from hooks.wrapper.parser import Reader
from hooks.wrapper.target import Part
from receiver.sources.milepost import EVENT
from tests.support.senders import START

Summaries = dict[str, list[str]]


def read(text: str, part: Part | None = None, secrets: Sequence[str] = ()) -> Reader:
    """Return a reader that has read the whole text, a second between lines."""
    reader, now = Reader(Redactor(secrets), part), START
    for line in text.splitlines(keepends=True):
        now += timedelta(seconds=1)
        reader.feed(line, now)
    reader.end(now)
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


def read_box(text: str) -> Reader:
    """Return a reader of a text with one target; `> ` stands for `==> box: `."""
    lines = [line if line[:1] != ">" else f"==> box: {line[2:]}" for line in text.splitlines()]
    return read("\n".join(lines) + "\n")


def box_events(text: str) -> list[str]:
    """Return the summaries of the one target of such a text."""
    return summaries(read_box(text))["box"]
