"""Post every JSON file of a folder to a receiver of its own, with proof, and count the answers.

Run by `make corpus DIR=…`; no part of the tests. Prints one line for each format and outcome.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from receiver.cli.routes import EVENTS, guess_event, guess_source
from tests.support.receivers import Running, started


class Payload(NamedTuple):
    """A body to post as a source; `event` is GitHub's, whose name is in no body."""

    source: str | None
    body: bytes
    event: str | None = None


def main(folder: Path) -> None:
    """Start a receiver, post the folder, print the counts and every refusal."""
    counts: Counter[tuple[str, str]] = Counter()
    with started() as running:
        for path in sorted(
            each for each in folder.rglob("*") if each.suffix in (".json", ".jsonc")
        ):
            for payload in payloads(path):
                outcome = _post(running, payload) if payload.source else "no source of this release"
                counts[(payload.source or "other", outcome)] += 1
                if outcome.startswith(("4", "5")):
                    print(f"{outcome}  {path.relative_to(folder)}")
    for (source, outcome), count in sorted(counts.items()):
        print(f"{count:6}  {source:10} {outcome}")


def payloads(path: Path) -> Iterator[Payload]:
    """Yield the file; of a list of examples, as in @octokit/webhooks-examples, each of them."""
    body = path.read_bytes()
    document = _json(body)
    listed = document if isinstance(document, list) else []
    examples = [each for each in listed if isinstance(each, dict) and "examples" in each]
    for event in examples:
        for example in event["examples"]:
            yield Payload("github", orjson.dumps(example), event["name"])
    if not examples:
        source = guess_source(body)
        yield Payload(source, body, _event(path, body) if source == "github" else None)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _post(running: Running, payload: Payload) -> str:
    assert payload.source
    more = {"x-github-event": payload.event} if payload.event else {}
    answer = running.post_as(payload.source, payload.body, **more)
    document: dict[str, Any] = answer.json()
    if not answer.ok:
        return f"{answer.status_code} {document['code']}: {', '.join(document.get('errors', {}))}"
    outcome = "duplicate" if document["duplicate"] else document["outcome"]
    return f"{answer.status_code} {outcome}"


def _event(path: Path, body: bytes) -> str:
    """Return the event of GitHub: its name is in most files' names."""
    name = path.as_posix().replace("-", "_")
    guessed = guess_event(body)
    return guessed if guessed != "unknown" else next((e for e in EVENTS if e in name), "push")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
