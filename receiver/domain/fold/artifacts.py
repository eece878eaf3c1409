"""The artifacts of a build: each once, however often its attempts tell of it."""

from collections.abc import Sequence

import msgspec

from receiver.domain.fold.progress import Attempt
from receiver.domain.fold.projection import ArtifactRow
from receiver.domain.fold.resume_point import covered
from receiver.domain.model import Artifact, Event


def artifacts_of(folded: Sequence[Attempt]) -> tuple[ArtifactRow, ...]:
    """Return every artifact of a current run once, with the last attempt that made it.

    A template or a file has the same name each time. Its state is the lowest that its attempts
    tell: an older manifest may have been left over.
    """
    rows: dict[bytes, ArtifactRow] = {}
    for attempt in folded:
        for place, fact in enumerate(attempt.facts):
            for artifact in _artifacts_of(fact.event) if fact.has_artifacts else ():
                likeness = msgspec.json.encode(artifact)
                known = rows.get(likeness)
                if known is None or known.attempt != attempt.number:
                    rows[likeness] = _artifact(attempt, place, artifact, known)
    return tuple(rows.values())


def _artifact(
    attempt: Attempt, place: int, artifact: Artifact, earlier: ArtifactRow | None
) -> ArtifactRow:
    columns = {
        name: getattr(artifact, name)
        for name in ArtifactRow.__struct_fields__
        if name not in ("attempt", "state")
    }
    state = covered(attempt, place)
    if earlier is not None:
        known = [each for each in (state, earlier.state) if each is not None]
        state = min(known) if len(known) == 2 else None
    return ArtifactRow(attempt=attempt.number, state=state, **columns)


def _artifacts_of(event: Event) -> tuple[Artifact, ...]:
    if event.artifact:
        return (event.artifact,)
    return tuple(artifact for artifact in event.artifacts if artifact.current)
