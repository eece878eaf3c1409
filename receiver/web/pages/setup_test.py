"""A test delivery, as a sender would sign it, through what a real one goes through here."""

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
from msgspec.structs import replace

from receiver.domain.delivery import Outcome, Request, Sender
from receiver.domain.model import Json
from receiver.errors import HttpError, Invalid, Unauthorized
from receiver.ingest.accept import accept
from receiver.ingest.services import Services
from receiver.sources import SOURCES, signatures
from receiver.sources.new_secrets import generate_secret

TEST_NUMBER = "milepost-test"

_BODIES: dict[str, Json] = {
    "packer": {"builds": "a test"},  # readable and wrong: a right one would make a build
    "github": {"zen": "A test from the receiver's own page."},
    "gitlab": {"object_kind": "test"},
    "jenkins": {"name": TEST_NUMBER, "build": {"number": 1}},
    "cloudevents": {"specversion": "1.0", "type": "milepost.test", "source": "/setup", "id": ""},
}
_THERE = {
    "milepost": "run `milepost-hook check` in the job",
    "packer": "run the lines of the tab curl where Packer runs",
    "github": "in GitHub, open the webhook's Recent deliveries and redeliver the ping",
    "gitlab": "in GitLab, open the webhook and choose Test, Pipeline events",
    "jenkins": "let Jenkins run the job once",
    "cloudevents": "let the sender post one event",
}


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a test checked, each with whether it is right, and what it cannot check from here.

    `delivery_id` is the delivery that it left, if any.
    """

    passed: bool
    checked: tuple[tuple[bool, str], ...]
    unchecked: str
    delivery_id: UUID | None = None


def run_test(services: Services, sender: Sender, address: str) -> TestResult:
    """Accept a delivery as this sender would sign it with its newest secret."""
    signed = f"A test for {address}, signed with the newest of its {len(sender.secrets)} secrets"
    if len(sender.secrets) == 1:
        signed = f"A test for {address}, signed with its only secret"
    if sender.secrets and isinstance(sender.secrets[0], bytes):
        # Nobody has the secret any more: all but the comparison with its digest is tested.
        sender = replace(sender, secrets=(generate_secret(sender.source),))
        signed = f"A test for {address}, with a secret for this test, as its own is a digest here"
    unchecked = (
        "The way from the sender to this receiver (name, proxy, TLS, clock), and that the sender"
        f" has this secret: {_THERE[sender.source]}."
    )
    if sender.is_disabled or not sender.secrets:
        return TestResult(False, ((False, sender.problem),), unchecked)
    try:
        outcome = accept(services, SOURCES[sender.source], sender, _test_request(sender))
    except Unauthorized:
        return TestResult(False, ((False, f"{signed}, was not verified."),), unchecked)
    except Invalid as error:
        checked = ((True, f"{signed}, was verified."), _read(sender, error))
        return TestResult(checked[1][0], checked, unchecked)
    except HttpError as error:
        checked = ((True, f"{signed}, was verified."), (False, error.detail))
        return TestResult(False, checked, unchecked)
    checked = ((True, f"{signed}, was verified."), (True, _stored(outcome)))
    return TestResult(True, checked, unchecked, outcome.delivery_id)


def _read(sender: Sender, error: Invalid) -> tuple[bool, str]:
    """A manifest with a wrong field is refused after the signature: a right one makes a build."""
    if sender.source == "packer":
        return True, "Its body was read; it is wrong on purpose, so nothing is stored."
    return False, f"It was refused: {error.detail}"


def _stored(outcome: Outcome) -> str:
    if outcome.delivery_id is None:
        return "Its body, a heartbeat, was read and the database asked for its build; none is made."
    return f"Its body was read and stored in the database, as {outcome.kind}; it makes no build."


def _test_request(sender: Sender) -> Request:
    """Return a heartbeat, a ping, or a body that the source ignores or refuses, signed."""
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
        "build": {"number": TEST_NUMBER},
        "run": {"key": "local"},
        "events": [{"kind": "heartbeat", "at": now.isoformat()}],
    }


def _proof(sender: Sender, test_id: str, body: bytes, now: datetime) -> dict[str, str]:
    secret = str(sender.secrets[0])
    if secret.startswith("whsec_"):
        return signatures.standard_headers(test_id, body, [secret], now)
    if sender.source == "github":
        digest = hmac.digest(secret.encode(), body, "sha256").hex()
        return {"x-hub-signature-256": f"sha256={digest}"}
    if sender.source == "gitlab":
        return {"x-gitlab-token": secret}
    if sender.source == "jenkins":
        return {"authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return {"authorization": f"Bearer {secret.removeprefix('bearer:')}"}
