"""The images that each attempt started from. Rule 13 of docs/fold.md.

What the sender says, and what custom_data of the artifacts says: `milepost_source`.
"""

import re
from collections.abc import Iterator, Sequence

from receiver.domain.artifact_ids import CONSTANTS, by_region
from receiver.domain.fold.events import Fact
from receiver.domain.fold.projection import SourceRow
from receiver.domain.model import SourceImage

KEY = "milepost_source"  # of custom_data: "us-east-1:ami-0abc1234"
MOST = 100  # of one attempt
# As the hooks read `--source`: whoever writes it may use any builder.
REGIONAL = re.compile(
    r"(?P<region>[a-z]{2,}[a-z0-9]*(?:-[a-z0-9]+)+):"
    r"(?P<id>(?:ami|snap|vol|img|m)-[\w.-]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


def sources_of(numbered: Sequence[tuple[int, Sequence[Fact]]]) -> tuple[SourceRow, ...]:
    """Return the sources of each attempt, of which the facts are given; each once, in one order."""
    return tuple(row for number, facts in numbered for row in _of_attempt(number, facts))


def _of_attempt(number: int, facts: Sequence[Fact]) -> list[SourceRow]:
    said = {(each.artifact_id, each.region) for fact in facts for each in _of_fact(fact)}
    ordered = sorted(said, key=lambda each: (each[0], each[1] or ""))
    return [SourceRow(number, artifact_id, region) for artifact_id, region in ordered[:MOST]]


def _of_fact(fact: Fact) -> Iterator[SourceImage]:
    yield from fact.sources
    for artifact in (fact.event.artifact, *fact.event.artifacts):
        text = artifact.custom_data.get(KEY, "").strip() if artifact and artifact.current else ""
        if artifact and text not in CONSTANTS:
            yield from _listed(text, artifact.builder_type)


def _listed(text: str, builder_type: str | None) -> Iterator[SourceImage]:
    """Yield the sources in a text; one whose form tells no region is an id as a whole."""
    matches = [REGIONAL.fullmatch(part.strip()) for part in text.split(",")]
    if all(matches):
        pairs = [(match["region"], match["id"]) for match in matches if match]
    else:
        pairs = by_region(text, builder_type, ())
    for region, artifact_id in pairs:
        yield SourceImage(artifact_id, region)
