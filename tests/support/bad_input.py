"""One right delivery of each source, with a free place for whatever a test puts there."""

from itertools import count
from typing import Any

import orjson

from tests.support import github_sender
from tests.support.forge_senders import RUN, cdevent, job_hook, notification
from tests.support.senders import envelope, manifest, proof, stage

SOURCES = ("milepost", "packer", "github", "gitlab", "jenkins", "cloudevents")
OWN = ("milepost", "packer")
HERE = "@@"  # where a test's own JSON goes
NUMBERS = count(1)


def document(source: str, number: int) -> dict[str, Any]:
    """A delivery that its source takes, unlike every other."""
    failure = {"type": "t", "message": "m", "details": {"x": HERE}}
    failed = stage("Storage", "failed", 5, failure=failure)
    event = cdevent("pipelinerun", "finished", RUN | {"id": f"run-{number}"})
    found: dict[str, dict[str, Any]] = {
        "milepost": envelope(failed, number=f"bad-{number}", run=f"bad-{number}"),
        "packer": manifest({"x": HERE}, run_uuid=f"bad-{number}"),
        "github": github_sender.job("completed", "failure", id=number, x=HERE),
        "gitlab": job_hook("failed", build_id=number, x=HERE),
        "jenkins": notification("COMPLETED", "FAILURE", number=number, x=HERE)
        | {"url": f"job/{number}/"},
        "cloudevents": {"specversion": "1.0", "id": str(number), "source": "/bad", "x": HERE}
        | {"type": event["context"]["type"], "data": event},
    }
    if source == "jenkins":
        found[source]["build"]["full_url"] = f"https://jenkins.example.com/job/bad/{number}/"
    return found[source]


def body(source: str, here: bytes = b"1") -> bytes:
    """Its bytes, with any text at the free place."""
    return orjson.dumps(document(source, next(NUMBERS))).replace(f'"{HERE}"'.encode(), here)


def headers(source: str, secret: str, content: bytes) -> dict[str, str]:
    """What its sender adds."""
    kind = "application/cloudevents+json" if source == "cloudevents" else "application/json"
    events = {
        "github": {"X-GitHub-Event": "workflow_job"},
        "gitlab": {"X-Gitlab-Event": "Job Hook"},
    }
    return {"Content-Type": kind, **events.get(source, {}), **proof(source, secret, content)}
