"""The images that each attempt started from. Rule 13 of docs/fold.md.

What the sender says, and what custom_data of the artifacts says: `milepost_source`.
"""

import re
from collections.abc import Iterator, Sequence

from receiver.domain.artifact_ids import CONSTANTS, by_region
from receiver.domain.fold.progress import Attempt
from receiver.domain.fold.projection import SourceRow
from receiver.domain.model import Event, SourceImage

KEY = "milepost_source"  # of custom_data: "us-east-1:ami-0abc1234"
MOST = 100  # of one attempt
# As the hooks read `--source`: whoever writes it may use any builder.
REGIONAL = re.compile(
    r"(?P<region>[a-z]{2,}[a-z0-9]*(?:-[a-z0-9]+)+):"
    r"(?P<id>(?:ami|snap|vol|img|m)-[\w.-]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


def sources_of(folded: Sequence[Attempt]) -> tuple[SourceRow, ...]:
    """Return the sources of each attempt, each once, in one order."""
    return tuple(row for each in folded for row in _of_attempt(each))


def _of_attempt(attempt: Attempt) -> list[SourceRow]:
    stated = [image for each in attempt.told for image in each.sources]
    events = [fact.event for fact in attempt.facts if fact.has_artifacts]
    made = [image for event in events for image in _of_artifacts(event)]
    said = {(each.artifact_id, each.region) for each in [*stated, *made]}
    ordered = sorted(said, key=lambda each: (each[0], each[1] or ""))
    return [
        SourceRow(attempt.number, artifact_id, region) for artifact_id, region in ordered[:MOST]
    ]


def _of_artifacts(event: Event) -> Iterator[SourceImage]:
    for artifact in (event.artifact, *event.artifacts):
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
