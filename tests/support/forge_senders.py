"""What GitLab, Jenkins and senders of CDEvents send, in its shape."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.config import Config
from tests.support.senders import BEARER, SECRET, Json, at, post

TOKEN = "a token of GitLab"
LOGIN = "jenkins:a password"
CLOUD = "bearer:a-token-for-cloudevents"
ROUTES = r"""
[[route]]
source = "gitlab"
repository = "acme/images"
job = 'image: \[(?P<os_version>[^,]+), (?P<platform>[^\]]+)\]'
variables = { TYPE = '(?P<image_type>.+)' }

[[route]]
source = "gitlab"
repository = "acme/images"
job = '^image'

[[route]]
source = "jenkins"
job = '^images/(?P<os_version>.+)$'

[[route]]
source = "cloudevents"
workflow = "golden*"
image_type = "golden"
"""


def gitlab(
    client: FlaskClient, document: Any, event: str = "Job Hook", **more: str
) -> TestResponse:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    headers = {"X-Gitlab-Event": event, "X-Gitlab-Token": TOKEN} | more
    return client.post(
        "/webhooks/gitlab", data=body, headers=headers, content_type="application/json"
    )


def old_time(minutes: float) -> str:
    return at(minutes).replace("T", " ").replace("Z", " UTC")


def job_hook(status: str, **more: Any) -> Json:
    known = {
        "object_kind": "build",
        "build_id": 4242,
        "build_name": "image: [rhel-9, aws]",
        "build_stage": "Storage",
        "build_status": status,
        "build_created_at": old_time(0),
        "build_started_at": old_time(1) if status != "created" else None,
        "build_finished_at": old_time(9) if status in ("success", "failed") else None,
        "build_failure_reason": "script_failure" if status == "failed" else "unknown_failure",
        "build_allow_failure": False,
        "retries_count": 0,
        "pipeline_id": 900,
        "ref": "main",
        "sha": "4f2c9d1",
        "user": {"username": "ada"},
        "commit": {"id": 900},
        "project": {
            "web_url": "https://gitlab.example.com/acme/images",
            "path_with_namespace": "acme/images",
        },
    }
    return known | more


def pipeline_hook(**more: Any) -> Json:
    job = {
        "id": 4242,
        "stage": "Storage",
        "name": "image: [rhel-9, aws]",
        "status": "failed",
        "created_at": at(0),
        "started_at": at(1),
        "finished_at": at(9),
        "failure_reason": "script_failure",
        "allow_failure": False,
    }
    lint = job | {"id": 4243, "name": "lint", "stage": "check", "status": "success"}
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": 900,
            "ref": "main",
            "sha": "4f2c9d1",
            "status": "failed",
            "stages": ["check", "Storage"],
            "variables": [{"key": "TYPE", "value": "hana"}, {"key": "KEY", "value": "hunter2"}],
        },
        "project": job_hook("failed")["project"],
        "builds": [lint, job | more],
    }


def jenkins(client: FlaskClient, document: Any, login: str = LOGIN, **more: str) -> TestResponse:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    basic = base64.b64encode(login.encode()).decode()
    headers = {"Authorization": f"Basic {basic}"} | more
    return client.post(
        "/webhooks/jenkins", data=body, headers=headers, content_type="application/json"
    )


BEGAN = 1_767_261_600_000  # START, in milliseconds


def notification(phase: str, status: str | None = None, **more: Any) -> Json:
    build = {
        "full_url": "https://jenkins.example.com/job/images/job/rhel-9/12/",
        "number": 12,
        "queue_id": 7,
        "timestamp": BEGAN,
        "duration": 60_000 if status else 0,
        "phase": phase,
        "url": "job/images/job/rhel-9/12/",
        "scm": {"branch": "origin/main", "commit": "4f2c9d1"},
        "log": "",
        "artifacts": {},
    }
    build |= ({"status": status} if status else {}) | more
    return {"name": "rhel-9", "display_name": "rhel-9", "url": "job/x/", "build": build}


def cdevent(kind: str, what: str, subject: Json) -> Json:
    return {
        "context": {
            "version": "0.4.1",
            "id": f"{kind}-{what}",
            "source": "/tekton",
            "type": f"dev.cdevents.{kind}.{what}.0.2.0",
            "timestamp": at({"queued": 0, "started": 1, "finished": 9}.get(what, 8)),
            "chainId": "run-7",
        },
        "subject": subject,
    }


def cloud(client: FlaskClient, event: Json, *, binary: bool, token: str = CLOUD) -> TestResponse:
    context = event["context"]
    attributes = {name: context[name] for name in ("id", "source", "type")}
    headers = {"Authorization": token.replace("bearer:", "Bearer ")}
    if binary:
        headers |= {f"ce-{name}": value for name, value in attributes.items()}
        body, kind = event, "application/json"
    else:
        body, kind = (
            {"specversion": "1.0", **attributes, "data": event},
            "application/cloudevents+json",
        )
    return client.post(
        "/webhooks/cloudevents", data=orjson.dumps(body), headers=headers, content_type=kind
    )


RUN: Json = {
    "id": "run-7",
    "source": "/tekton",
    "content": {"pipelineName": "golden", "url": "https://t/7"},
}
TASK: Json = {"id": "task-1", "content": {"taskName": "Storage", "pipelineRun": {"id": "run-7"}}}


@pytest.fixture
def forge(serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path) -> FlaskClient:
    """A receiver that takes what these three send, with routes."""
    path = tmp_path / "routes.toml"
    path.write_text(ROUTES)
    more = {"gitlab": (TOKEN, SECRET), "jenkins": (LOGIN,), "cloudevents": (CLOUD,)}
    return serve(replace(config, secrets={"milepost": (BEARER,), **more}, routes=path))


def hook(client: FlaskClient, document: Json) -> TestResponse:
    """What a hook inside a forge's job posts."""
    bearer = {"Authorization": f"Bearer {BEARER.removeprefix('bearer:')}"}
    return post(client, document, headers=bearer)
