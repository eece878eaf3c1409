"""What is doubtful of a build, so that its image is not served as fact. Rule 11 of docs/fold.md."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from receiver.domain import dimensions
from receiver.domain.fold.contexts import NOTHING, Context
from receiver.domain.fold.events import Fact
from receiver.domain.fold.progress import Attempt
from receiver.domain.model import DIMENSIONS, Artifact, Identity

UNRESOLVED = "<no value>"  # what Packer writes for a template that it cannot fill
UNSTABLE = "unstable"
HOOKS_UNSTABLE = "The CI's own word: unstable"  # hooks/__main__.py, `done --status UNSTABLE`


def conflict_of(newest: Attempt, told: Iterable[Context]) -> dict[str, list[str]] | None:
    """Return the values of each dimension of which one run of the newest attempt says several.

    What custom_data of its artifacts says counts where nobody says the dimension itself.
    """
    runs = {_run(each) for each in newest.told if each.source != "api"}
    sayers = [each for each in told if each.said != NOTHING]
    stated = {name for name in DIMENSIONS for each in sayers if getattr(each.said, name)}
    said: dict[tuple[str, str], set[str]] = defaultdict(set)
    for run, identity in _said(sayers):
        for name in stated if run in runs else ():
            said[run, name] |= {value for value in (getattr(identity, name),) if value}
    for run, name, value in _custom(newest.facts):
        if name not in stated:
            said[run, name].add(value)
    several = [(name, values) for (_, name), values in said.items() if len(values) > 1]
    return {name: sorted(values) for name, values in sorted(several)} or None


def is_unstable(newest: Attempt) -> bool:
    """Return whether Jenkins's UNSTABLE is a verdict of a completed attempt."""
    verdicts = [fact.event for fact in newest.facts if fact.is_verdict]
    words = {each.word for each in verdicts}
    messages = {each.failure.message for each in verdicts if each.failure}
    return newest.status == "completed" and (UNSTABLE in words or HOOKS_UNSTABLE in messages)


def is_future(newest: Attempt) -> bool:
    """Return whether a time of the attempt is later than its news, by more than a clock may be."""
    return any(fact.is_early for fact in newest.facts)


def with_inferred(
    identity: Identity, told: Sequence[Context], facts: Sequence[Fact]
) -> tuple[Identity, dict[str, str] | None]:
    """Return the identity with what raw names tell of the dimensions that nobody states, and the
    place of the name for each of these."""
    missing = {name for name in DIMENSIONS if getattr(identity, name) is None}
    if missing <= {"project"}:
        return identity, None
    names = {place: name for each in reversed(told) for place, name in each.names.items()}
    made = _made(facts)
    entries = sorted({artifact.name for artifact in made if artifact.name})
    if entries:  # a report of a hook or receiver of the release before holds no names but these
        names.setdefault("entry", ", ".join(entries))
    builders = {artifact.builder_type for artifact in made}
    read, places = dimensions.infer(names, builders)
    found = {name: place for name, place in places.items() if name in missing}
    values = {name: getattr(read, name) for name in found}
    return replace(identity, **values), found or None


def _made(facts: Iterable[Fact]) -> list[Artifact]:
    """Return the artifacts of the runs that the facts are of."""
    events = [fact.event for fact in facts if fact.has_artifacts]
    listed = (artifact for each in events for artifact in (each.artifact, *each.artifacts))
    return [artifact for artifact in listed if artifact and artifact.current]


def _said(contexts: Iterable[Context]) -> set[tuple[str, Identity]]:
    """Return the distinct identities that each run says; a person is no run."""
    return {(_run(each), each.said) for each in contexts if each.source != "api"}


def _custom(facts: Iterable[Fact]) -> Iterator[tuple[str, str, str]]:
    """Yield run, dimension and value of what custom_data of each artifact says; the identity of its
    statement has the last value alone."""
    for fact in facts:
        for artifact in _made([fact]) if fact.has_artifacts else ():
            for name in (each for each in DIMENSIONS if getattr(fact.context.custom, each)):
                if value := _custom_value(artifact, name):
                    yield _run(fact.context), name, value


def _custom_value(artifact: Artifact, name: str) -> str | None:
    data = artifact.custom_data
    texts = (data.get(key, "").strip() for key in (f"milepost_{name}", name))
    return next((text for text in texts if text and text != UNRESOLVED), None)


def _run(context: Context) -> str:
    return context.run.pipeline or context.group
