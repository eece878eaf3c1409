"""Our own formats as a sender writes, signs and posts them."""

import base64
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
from click.testing import Result
from flask.testing import FlaskClient
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

SECRET = "whsec_" + base64.b64encode(b"a test secret of 32 bytes, no mo").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of 32 bytes, or s").decode()
BEARER = "bearer:a-token-for-milepost"
PACKER_BEARER = "bearer:a-token-for-packer"
START = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
COMBINATION = {
    "project": "core",
    "platform": "aws-commercial",
    "os_version": "rhel-8.8",
    "image_type": "hana",
}

Json = dict[str, Any]


def at(minutes: float) -> str:
    """Return the time so many minutes after START."""
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def stage(name: str | None, status: str = "started", minutes: float = 0, **more: Any) -> Json:
    """Return a stage event."""
    return {"kind": "stage", "stage": name, "status": status, "at": at(minutes), **more}


def verdict(status: str, minutes: float = 60, **more: Any) -> Json:
    """Return a build event."""
    return {"kind": "build", "status": status, "at": at(minutes), **more}


def envelope(*events: Json, number: str = "core-1", run: str = "run-1", **more: Any) -> Json:
    """Return an envelope of our hooks; `build` and `run_more` add to its parts."""
    return {
        "version": 1,
        "build": {"number": number, **more.pop("build", {})},
        "run": {"key": run, **more.pop("run_more", {})},
        "events": list(events),
        **more,
    }


def manifest(*builds: Json, run_uuid: str = "uuid-1") -> Json:
    """Return a manifest of Packer; entries without a run are of the last one."""
    entry: Json = {"name": "base", "builder_type": "null", "artifact_id": "Null"}
    entry |= {"packer_run_uuid": run_uuid, "files": None, "custom_data": None}
    return {"builds": [entry | build for build in builds], "last_run_uuid": run_uuid}


def sign(
    body: bytes, secret: str = SECRET, message_id: str | None = None, when: datetime | None = None
) -> dict[str, str]:
    """Return the headers of Standard Webhooks."""
    message_id = message_id or f"msg_{uuid4().hex}"
    moment = when or datetime.now(UTC)
    stamp = str(int(moment.timestamp()))
    try:
        signature = Webhook(secret).sign(message_id, moment, body.decode())
    except UnicodeDecodeError:  # the library signs text alone
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, "sha256")
        signature = "v1," + base64.b64encode(digest).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": signature,
    }


def proof(source: str, secret: str, body: bytes) -> dict[str, str]:
    """Return the headers by which a sender of the source proves itself."""
    if secret.startswith("whsec_"):
        return sign(body, secret)
    if source == "github":
        digest = hmac.digest(secret.encode(), body, "sha256").hex()
        return {"X-Hub-Signature-256": f"sha256={digest}"}
    if source == "gitlab":
        return {"X-Gitlab-Token": secret}
    if source == "jenkins":
        return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return {"Authorization": secret.replace("bearer:", "Bearer ")}


def post(client: FlaskClient, document: Json | bytes, **more: Any) -> TestResponse:
    """Post a signed envelope."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    headers = more.pop("headers", None) or sign(body, **more)
    return client.post(
        "/webhooks/milepost", data=body, headers=headers, content_type="application/json"
    )


def post_manifest(client: FlaskClient, document: Json, query: str = "") -> TestResponse:
    """Post a raw manifest with a bearer token."""
    body = orjson.dumps(document)
    return client.post(
        f"/webhooks/packer?{query}",
        data=body,
        headers=proof("packer", PACKER_BEARER, body),
        content_type="application/json",
    )


def get_build(client: FlaskClient, number: str = "core-1") -> Json:
    """Return a build as the API shows it."""
    response = client.get(f"/api/v1/builds/{number}", follow_redirects=True)
    assert response.status_code == 200, response.text
    document: Json = response.get_json()
    return document


def build_numbers(client: FlaskClient) -> list[str]:
    """Return the numbers of the builds that the API lists."""
    return [item["build_number"] for item in client.get("/api/v1/builds").get_json()["items"]]


def add_sender(command: Callable[..., Result], *arguments: str) -> tuple[str, str]:
    """Return the path and the secret of a new sender, as its user pastes them."""
    result = command("sender", "add", *arguments)
    assert result.exit_code == 0, result.output
    url = re.search(r"^export MILEPOST_URL=(\S+)$", result.stdout, re.MULTILINE)
    secret = re.search(r"^export MILEPOST_SECRET=(\S+)$", result.stdout, re.MULTILINE)
    assert url
    assert secret
    return url[1].removeprefix("http://127.0.0.1:8080"), secret[1]
