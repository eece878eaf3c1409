"""What GitHub sends, in its shape: jobs with their steps, runs, signed deliveries."""

import hmac
from typing import Any
from uuid import uuid4

import orjson
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.senders import Json, at

SECRET = "it's a secret of GitHub"
ROUTES = r"""
[[route]]
source = "github"
repository = "acme/*"
workflow = "golden*"
job = 'build \((?P<os_version>[^,]+), (?P<image_type>[^,]+), (?P<platform>[^)]+)\)'
project = "core"
"""


def send(
    client: FlaskClient, event: str, document: Json | bytes, guid: str | None = None, **more: Any
) -> TestResponse:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    digest = hmac.digest(SECRET.encode(), body, "sha256").hex()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid or str(uuid4()),
        "X-Hub-Signature-256": f"sha256={digest}",
    }
    more.setdefault("content_type", "application/json")
    return client.post("/webhooks/github", data=body, headers=headers, **more)


def job(status: str, conclusion: str | None = None, **more: Any) -> Json:
    """A workflow_job delivery in GitHub's shape."""
    ended = status == "completed"
    known = {
        "id": 84211,
        "run_id": 500,
        "run_attempt": 1,
        "name": "build (rhel-9, hana, aws)",
        "workflow_name": "golden images",
        "head_branch": "main",
        "head_sha": "4f2c9d1",
        "html_url": "https://github.com/acme/images/actions/runs/500/job/84211",
        "status": status,
        "conclusion": conclusion,
        "created_at": at(0),
        "started_at": at(1),
        "completed_at": at(30) if ended else None,
        "runner_name": None if status == "queued" else "runner-4",
        "steps": [],
    }
    return {
        "action": status,
        "workflow_job": known | more,
        "repository": {"full_name": "acme/images"},
        "sender": {"login": "ada"},
    }


def step(name: str, begin: float, end: float | None, conclusion: str | None) -> Json:
    return {
        "name": name,
        "status": "completed" if conclusion else "in_progress",
        "conclusion": conclusion,
        "started_at": at(begin),
        "completed_at": None if end is None else at(end),
    }


STEPS = [
    step("Set up job", 1, 2, "success"),
    step("Run actions/checkout@v4", 2, 3, "success"),
    step("Harden OS", 3, 10, "success"),
    step("Frobnicate", 10, 29, "failure"),
    step("Complete job", 29, 30, "success"),
]


def run(status: str, conclusion: str | None = None, **more: Any) -> Json:
    known = {
        "id": 500,
        "run_attempt": 1,
        "name": "golden images",
        "status": status,
        "conclusion": conclusion,
        "head_branch": "main",
        "updated_at": at(40),
        "actor": {"login": "grace"},
    }
    return {
        "action": status,
        "workflow_run": known | more,
        "repository": {"full_name": "acme/images"},
    }
