"""Post every JSON file of a folder to a receiver of its own, really signed, and count the answers.

Run by `make corpus DIR=…`; no part of the tests. Prints one line for each format and outcome.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from tests.receivers import Running, started

EVENTS = ("workflow_job", "workflow_run", "check_run", "check_suite", "deployment_status", "ping")


def main(folder: Path) -> None:
    """Start a receiver, post the folder, print the counts and every refusal."""
    counts: Counter[tuple[str, str]] = Counter()
    with started() as running:
        for path in sorted(
            path for path in folder.rglob("*") if path.suffix in (".json", ".jsonc")
        ):
            source = source_of(path.read_bytes())
            outcome = _post(running, source, path) if source else "no source of this release"
            counts[(source or "other", outcome)] += 1
            if outcome.startswith(("4", "5")):
                print(f"{outcome}  {path.relative_to(folder)}")
    for (source, outcome), count in sorted(counts.items()):
        print(f"{count:6}  {source:10} {outcome}")


def source_of(body: bytes) -> str | None:
    """The source that a payload looks like, if any."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    marks = {
        "milepost": {"build", "run", "version"} <= document.keys(),
        "gitlab": "object_kind" in document,
        "packer": isinstance(document.get("builds"), list) and "last_run_uuid" in document,
        "jenkins": isinstance(document.get("build"), dict) and "name" in document,
        "github": bool(document.keys() & {"repository", "organization", "hook_id", "zen"}),
    }
    return next((source for source, fits in marks.items() if fits), None)


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
    document = orjson.loads(body)
    named = next((name for name in EVENTS if name in path.as_posix().replace("-", "_")), "push")
    return next((name for name in EVENTS if name in document), named)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
