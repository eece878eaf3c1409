"""A delivery of no consequence, proved as a sender would prove it; pure."""

import base64
import hmac
from datetime import UTC, datetime
from uuid import uuid4

import orjson

from receiver.domain.model import Json, Request, Sender

NUMBER = "milepost-test"

_BODIES: dict[str, Json] = {
    "packer": {"builds": "a test"},  # readable and wrong: a right one would make a build
    "github": {"zen": "A test from the receiver's own page."},
    "gitlab": {"object_kind": "test"},
    "jenkins": {"name": NUMBER, "build": {"number": 1}},
    "cloudevents": {"specversion": "1.0", "type": "milepost.test", "source": "/setup", "id": ""},
}


def request(sender: Sender) -> Request:
    """What the sender would post; a heartbeat, a ping, or what its source ignores or refuses."""
    now = datetime.now(UTC)
    test_id = f"test-{uuid4().hex}"
    document = _heartbeat(now) if sender.source == "milepost" else dict(_BODIES[sender.source])
    if "id" in document:
        document["id"] = test_id
    body = orjson.dumps(document)
    headers = {"content-type": "application/json", "user-agent": "milepost test"}
    headers |= {"x-github-event": "ping", "x-github-delivery": test_id, "x-gitlab-event": "Test"}
    return Request(headers | _proof(sender, test_id, body, now), body, "", now)


def _heartbeat(now: datetime) -> Json:
    return {
        "version": 1,
        "build": {"number": NUMBER},
        "run": {"key": "local"},
        "events": [{"kind": "heartbeat", "at": now.isoformat()}],
    }


def _proof(sender: Sender, test_id: str, body: bytes, now: datetime) -> dict[str, str]:
    secret = sender.secrets[0]
    if secret.startswith("whsec_"):
        return _standard(secret, test_id, body, now)
    if sender.source == "github":
        digest = hmac.digest(secret.encode(), body, "sha256").hex()
        return {"x-hub-signature-256": f"sha256={digest}"}
    if sender.source == "gitlab":
        return {"x-gitlab-token": secret}
    if sender.source == "jenkins":
        return {"authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return {"authorization": f"Bearer {secret.removeprefix('bearer:')}"}


def _standard(secret: str, test_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    moment = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{test_id}.{moment}.".encode() + body, "sha256")
    return {
        "webhook-id": test_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
