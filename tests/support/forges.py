"""GitHub, GitLab, Jenkins and CloudEvents as senders: their secrets, and their posts with proof."""

from typing import Any
from uuid import uuid4

import orjson
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.samples import Json, sample
from tests.support.senders import proof

SECRETS = {
    "github": "it's a secret of GitHub",
    "gitlab": "a token of GitLab",
    "jenkins": "jenkins:a password",
    "cloudevents": "bearer:a-token-for-cloudevents",
}


def workflow_job(status: str, conclusion: str | None = None, **changes: Any) -> Json:
    """Return GitHub's payload about a job; `changes` are fields of the job."""
    return _changed_within("workflow_job", status, conclusion, changes)


def workflow_run(status: str, conclusion: str | None = None, **changes: Any) -> Json:
    """Return GitHub's payload about a run; `changes` are fields of the run."""
    return _changed_within("workflow_run", status, conclusion, changes)


def _changed_within(event: str, status: str, conclusion: str | None, changes: Json) -> Json:
    if conclusion:
        changes = {"conclusion": conclusion} | changes
    document = sample("github", f"{event}.{status}")
    document[event] |= changes
    return document


BEGAN = 1_767_261_600_000  # milliseconds; a minute long
SENT = {"QUEUED": -30_000, "STARTED": 0, "COMPLETED": 60_000, "FINALIZED": 60_900}


def notification(phase: str, status: str | None = None, **changes: Any) -> Json:
    """Return a payload of Jenkins's Notification plugin; `changes` are fields of the build.

    Its time is that of the phase: when it was queued, began, ended and was sent.
    """
    document = sample("jenkins", "notification.completed" if status else "notification.started")
    known = {"phase": phase, "timestamp": BEGAN + SENT[phase]}
    document["build"] |= {**known, **({"status": status} if status else {}), **changes}
    return document


def post_github(
    client: FlaskClient, document: Json | bytes, event: str = "workflow_job", **headers: str
) -> TestResponse:
    """Post as GitHub does; each delivery has a GUID of its own."""
    own = {"X-GitHub-Event": event, "X-GitHub-Delivery": str(uuid4())}
    return post_forge(client, "github", document, own | headers)


def post_gitlab(
    client: FlaskClient, document: Json | bytes, event: str = "Job Hook", **headers: str
) -> TestResponse:
    """Post as GitLab does."""
    return post_forge(client, "gitlab", document, {"X-Gitlab-Event": event} | headers)


def post_jenkins(client: FlaskClient, document: Json | bytes, **headers: str) -> TestResponse:
    """Post as Jenkins's plugins do."""
    return post_forge(client, "jenkins", document, headers)


def post_cloudevent(client: FlaskClient, event: Json, *, binary: bool = False) -> TestResponse:
    """Post a CloudEvent in structured mode, or in binary mode."""
    if not binary:
        headers = {"Content-Type": "application/cloudevents+json"}
        return post_forge(client, "cloudevents", event, headers)
    headers = {f"ce-{name}": event[name] for name in ("id", "source", "type")}
    return post_forge(client, "cloudevents", event["data"], headers)


def post_forge(
    client: FlaskClient, source: str, document: Any, headers: dict[str, str], query: str = ""
) -> TestResponse:
    """Post with the proof that the source asks for."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    headers = {"Content-Type": "application/json", **proof(source, SECRETS[source], body)} | headers
    return client.post(f"/webhooks/{source}?{query}", data=body, headers=headers)
