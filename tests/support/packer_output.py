"""Packer's output, read to its end: what is told of each target."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hooks.redact import Redactor
from hooks.wrapper.parser import Reader
from hooks.wrapper.target import Part
from receiver.sources.milepost import EVENT
from tests.support.senders import START

Told = dict[str, list[str]]


def read(text: str, part: Part | None = None, secrets: Sequence[str] = ()) -> Reader:
    """A reader that has read it all, a second between lines."""
    reader, now = Reader(Redactor(secrets), part), START
    for line in text.splitlines(keepends=True):
        now += timedelta(seconds=1)
        reader.feed(line, now)
    reader.end(now)
    return reader


def told(reader: Reader) -> Told:
    """The events of each target in a word each; each of them fits the receiver."""
    found: Told = defaultdict(list)
    for target, event in reader.take(datetime.max.replace(tzinfo=UTC)):
        EVENT.deserialize(event)
        failure = event.get("failure", {}).get("type")
        word = event.get("stage") or f"{event['kind']} {event['status']}"
        found[target].append(f"{word} ({failure})" if failure else word)
    return found


def boxed(text: str) -> Reader:
    """A reader of a text with one target; its lines begin with `> ` for `==> box: `."""
    lines = [line if line[:1] != ">" else f"==> box: {line[2:]}" for line in text.splitlines()]
    return read("\n".join(lines) + "\n")


def said(text: str) -> list[str]:
    """What is told of the one target of such a text."""
    return told(boxed(text))["box"]
