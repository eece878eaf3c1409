"""GitHub's own workflow_job bodies, as Octokit publishes them, each changed to another job's.

`make bench` installs them: https://github.com/octokit/webhooks
"""

import hmac
import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from tests.bench.load import raw
from tests.support.senders import Json, at

PACKAGE = Path("build/examples/node_modules/@octokit/webhooks-examples")
EXAMPLES = PACKAGE / "api.github.com" / "index.json"
STEPS = 15
ROUTES = """
[[route]]
source = "github"
repository = "*"
job = '(?P<os_version>rhel-[0-9]+) (?P<image_type>[a-z]+) (?P<platform>[a-z]+)'
project = "images"
"""


def bodies(jobs: int, first: int, steps: int = STEPS) -> Iterator[bytes]:
    """Yield 3 bodies of each job: queued, in progress, succeeded.

    A body has about 11 to 14 kB, on average 20 kB with 78 steps.
    """
    events = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    examples = next(each["examples"] for each in events if each["name"] == "workflow_job")
    largest = max(examples, key=lambda each: len(json.dumps(each)))
    for job in range(first, first + jobs):
        for status in ("queued", "in_progress", "completed"):
            yield orjson.dumps(_body(largest, job, status, steps))


def posts(bodies: Iterable[bytes], secret: str) -> Iterator[bytes]:
    """Yield each body as a signed delivery."""
    for body in bodies:
        digest = hmac.digest(secret.encode(), body, "sha256").hex()
        yield raw(
            "/webhooks/github",
            body,
            {
                "User-Agent": "GitHub-Hookshot/f1e2d3c",
                "X-GitHub-Event": "workflow_job",
                "X-GitHub-Delivery": str(uuid4()),
                "X-Hub-Signature-256": f"sha256={digest}",
            },
        )


def _body(example: Json, job: int, status: str, steps: int) -> Json:
    document = deepcopy(example)
    fields: dict[str, Any] = document["workflow_job"]
    fields |= {
        "id": 10_000_000_000 + job,
        "run_id": 1_000_000_000 + job // 20,
        "run_attempt": 1,
        "name": f"rhel-{job % 6} hana aws",
        "status": status,
        "conclusion": "success" if status == "completed" else None,
        "created_at": at(0),
        "started_at": at(1),
        "completed_at": at(30) if status == "completed" else None,
        "runner_name": None if status == "queued" else f"runner-{job}",
        "steps": [_step(index, status, steps) for index in range(steps) if status != "queued"],
    }
    return document | {"action": status, "workflow_job": fields}


def _step(index: int, status: str, steps: int) -> Json:
    ended = status == "completed" or index < steps // 2
    return {
        "name": f"Run scripts/step-{index}.sh --image hana",
        "status": "completed" if ended else "queued",
        "conclusion": "success" if ended else None,
        "number": index + 1,
        "started_at": at(1 + index) if ended else None,
        "completed_at": at(2 + index) if ended else None,
    }
