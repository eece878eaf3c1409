"""One right delivery of each source, with a free place for the JSON of a test."""

from itertools import count

import orjson

from tests.support.forges import SECRETS as FORGES
from tests.support.samples import Json, changed, sample
from tests.support.senders import PACKER_BEARER, SECRET, proof

OWN = ("milepost", "packer")
CASES = {
    "milepost": "envelope",
    "packer": "manifest",
    "github": "workflow_job.completed",
    "gitlab": "job.failed",
    "jenkins": "notification.completed",
    "cloudevents": "pipelinerun.finished",
}
SOURCES = tuple(CASES)
SECRETS = {"milepost": SECRET, "packer": PACKER_BEARER, **FORGES}
LIMIT = {source: (5 if source in OWN else 25) * 2**20 for source in SOURCES}  # bytes of a body
NUMBERS = count(1)
_FREE = "@@"


def document(source: str) -> Json:
    """Return a delivery unlike every other."""
    number = next(NUMBERS)
    changes: dict[str, Json] = {
        "milepost": {
            "build.number": f"hostile-{number}",
            "run.key": f"hostile-{number}",
            "events.0.failure.details.x": _FREE,
        },
        "packer": {"builds.0.x": _FREE, "last_run_uuid": f"hostile-{number}"},
        "github": {"workflow_job.id": number, "workflow_job.x": _FREE},
        "gitlab": {"build_id": number, "x": _FREE},
        "jenkins": {
            "build.number": number,
            "build.full_url": f"https://jenkins.example.com/job/hostile/{number}/",
            "build.x": _FREE,
        },
        "cloudevents": {"id": str(number), "data.subject.id": f"run-{number}", "x": _FREE},
    }
    result: Json = changed(sample(source, CASES[source]), changes[source])
    return result


def body(source: str, value: bytes = b"1") -> bytes:
    """Return its bytes, with the JSON of a value at the free place."""
    return orjson.dumps(document(source)).replace(f'"{_FREE}"'.encode(), value)


def headers(source: str, secret: str, content: bytes, case: str | None = None) -> dict[str, str]:
    """Return the headers of its sender; the case of the sample tells the event."""
    event = (case or CASES[source]).partition(".")[0]
    own: dict[str, dict[str, str]] = {
        "github": {"X-GitHub-Event": event},
        "gitlab": {"X-Gitlab-Event": "Job Hook"},
        "jenkins": {"ce-type": case} if case and event == "org" else {},
        "cloudevents": {"Content-Type": "application/cloudevents+json"},
    }
    kind = {"Content-Type": "application/json"}
    return kind | own.get(source, {}) | proof(source, secret, content)
