"""Post every JSON file of a folder to a receiver of its own, really signed, and count the answers.

Run by `make corpus DIR=…`; no part of the tests. Prints one line for each format and outcome.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from receiver.commands.routes import EVENTS, guess_event, guess_source
from tests.receivers import Running, started


def main(folder: Path) -> None:
    """Start a receiver, post the folder, print the counts and every refusal."""
    counts: Counter[tuple[str, str]] = Counter()
    with started() as running:
        for path in sorted(
            path for path in folder.rglob("*") if path.suffix in (".json", ".jsonc")
        ):
            source = guess_source(path.read_bytes())
            outcome = _post(running, source, path) if source else "no source of this release"
            counts[(source or "other", outcome)] += 1
            if outcome.startswith(("4", "5")):
                print(f"{outcome}  {path.relative_to(folder)}")
    for (source, outcome), count in sorted(counts.items()):
        print(f"{count:6}  {source:10} {outcome}")


def _post(running: Running, source: str, path: Path) -> str:
    body = path.read_bytes()
    more = {"x-github-event": _event(path, body)} if source == "github" else {}
    answer = running.post_as(source, body, **more)
    document: dict[str, Any] = answer.json()
    if answer.ok:
        return (
            f"{answer.status_code} {'duplicate' if document['duplicate'] else document['outcome']}"
        )
    return f"{answer.status_code} {document['code']}: {', '.join(document.get('errors', {}))}"


def _event(path: Path, body: bytes) -> str:
    """GitHub's event: its name is in no body, but in most files' names."""
    name = path.as_posix().replace("-", "_")
    guessed = guess_event(body)
    return guessed if guessed != "unknown" else next((e for e in EVENTS if e in name), "push")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
