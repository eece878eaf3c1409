"""`/setup`: the senders, when each was last heard, a test delivery, and the lines to paste.

https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks
https://docs.gitlab.com/user/project/integrations/webhooks/
https://plugins.jenkins.io/notification/
"""

import base64
import hmac
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from uuid import uuid4

import orjson
from flask import Blueprint, Response, request

from receiver.domain.delivery import Request, Sender
from receiver.domain.model import Json
from receiver.errors import HttpError, Invalid, NotFound
from receiver.ingest.accept import accept
from receiver.sources import SOURCES
from receiver.storage import deliveries, unnamed
from receiver.storage.db import Row
from receiver.web import auth
from receiver.web.context import services, serving_of
from receiver.web.forms import form_fields
from receiver.web.pages.render import page, wants_json
from receiver.web.problem import json_response
from receiver.web.refusals import refusals

blueprint = Blueprint("setup", __name__)
HIDDEN = "…"  # on the page: a secret is shown once, by the command that makes it
TEST_NUMBER = "milepost-test"

_BODIES: dict[str, Json] = {
    "packer": {"builds": "a test"},  # readable and wrong: a right one would make a build
    "github": {"zen": "A test from the receiver's own page."},
    "gitlab": {"object_kind": "test"},
    "jenkins": {"name": TEST_NUMBER, "build": {"number": 1}},
    "cloudevents": {"specversion": "1.0", "type": "milepost.test", "source": "/setup", "id": ""},
}
_WHERE = {
    "milepost": "the Milepost hooks: set both as variables or secrets of the job",
    "packer": "a manifest as Packer wrote it, with plain curl",
    "github": "GitHub's own webhooks",
    "gitlab": "GitLab's own webhooks",
    "jenkins": "Jenkins's Notification plugin",
    "cloudevents": "any sender of CDEvents",
}
_TEXTS = {
    "milepost": """\
# GitHub Actions: Settings, Secrets and variables, Actions:
#   the variable MILEPOST_URL and the secret MILEPOST_SECRET; then in the job
#   env:
#     MILEPOST_URL: ${{{{ vars.MILEPOST_URL }}}}
#     MILEPOST_SECRET: ${{{{ secrets.MILEPOST_SECRET }}}}
# GitLab CI: Settings, CI/CD, Variables: both, MILEPOST_SECRET masked.
# Jenkins: a credential of kind "Secret text", then in the pipeline
#   environment {{
#     MILEPOST_URL = '{address}'
#     MILEPOST_SECRET = credentials('milepost')
#   }}
# Packer alone: export both where packer runs.
milepost-hook check
""",
    "packer": """\
curl --data-binary @packer-manifest.json -H "Content-Type: application/json" \\
  -H "Authorization: Bearer ${{MILEPOST_SECRET#bearer:}}" \\
  "$MILEPOST_URL?build_number=my-build&platform=aws&os_version=rhel-9&image_type=base"
""",
    "github": """\
# In the repository or organization: Settings, Webhooks, Add webhook:
#   Payload URL   {address}
#   Content type  application/json
#   Secret        {secret}
#   Events        Let me select: Workflow jobs, Workflow runs
""",
    "gitlab": """\
# In the project or group: Settings, Webhooks, Add new webhook:
#   URL           {address}
#   Secret token  {secret}
#   Trigger       Pipeline events, Job events
""",
    "jenkins": """\
# In the job: Job Notifications, Add Endpoint:
#   Format JSON, Protocol HTTP, Event All Events
#   URL  {login}
""",
    "cloudevents": """\
# POST each CloudEvent, structured or binary, to
#   {address}
# signed as Standard Webhooks with the secret, or with "Authorization: Bearer".
""",
}


@blueprint.get("/setup.json", endpoint="show_json")
@blueprint.get("/setup")
def show() -> Response:
    """Show every sender that may post here."""
    auth.require_read()
    return json_response({"items": _senders(), "unnamed": _unnamed()}) if wants_json() else _page()


@blueprint.post("/setup/test")
def test() -> Response:
    """Accept a delivery as this sender would sign it."""
    auth.require_write()
    source, name = form_fields().get("source", ""), form_fields().get("sender", "")
    sender = services().rules.sender(source, name)
    if sender is None:
        raise NotFound("There is no such sender.")
    return _page(sender, _test(sender))


def setup_lines(url: str, source: str, name: str, secret: str = HIDDEN) -> str:
    """Return the lines that a sender pastes, with its own address and secret; pure."""
    base = url.rstrip("/")
    address = f"{base}/webhooks/{source}" + (f"/{name}" if name else "")
    variables = (
        f"# For {_WHERE[source]}\n"
        f"export MILEPOST_URL={address}\n"
        f"export MILEPOST_SECRET={_shell_quoted(secret)}\n"
    )
    login = _with_login(address, secret)
    text = _TEXTS[source].format(base=base, address=address, secret=secret, login=login)
    return f"{variables}\n{text}"


def _shell_quoted(secret: str) -> str:
    return f"'{secret}'" if set(secret) & set(" $&;'\"\\") else secret


def _with_login(address: str, secret: str) -> str:
    """Return the URL with user and password in it: Jenkins's plugin signs nothing."""
    user, _, password = secret.partition(":")
    parts = urlsplit(address)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}" if password else HIDDEN
    return f"{parts.scheme}://{login}@{parts.netloc}{parts.path}"


def _test(sender: Sender) -> str:
    """Return the result of a test delivery, as a sentence."""
    try:
        accept(services(), SOURCES[sender.source], sender, _test_request(sender))
    except Invalid:
        return "The signature is valid."  # the fields are checked after the signature alone
    except HttpError as error:
        return f"The test was refused: {error.detail}"
    return "The test was accepted."


def _page(tested: Sender | None = None, result: str = "") -> Response:
    name = (tested.source, tested.name) if tested else None
    senders = [
        each | {"result": result if name == (each["source"], each["name"]) else ""}
        for each in _senders()
    ]
    return page("setup.html", senders=senders, unnamed=_unnamed())


def _unnamed() -> list[Row]:
    with services().database.transaction() as connection:
        found = unnamed.list_unnamed(connection, datetime.now(UTC), serving_of())
    rows: list[Row] = found["repositories"]
    return rows


def _senders() -> list[Row]:
    heard = {(row["source"], row["sender"]): row for row in deliveries.senders(services().database)}
    refused = refusals()
    url = request.host_url.rstrip("/")
    return [
        {
            "source": each.source,
            "name": each.name,
            "projects": each.projects,
            "heard": heard.get((each.source, each.name), {}).get("last_heard_at"),
            "refusals": [
                row for row in refused if (row["source"], row["sender"]) == (each.source, each.name)
            ],
            "lines": setup_lines(url, each.source, each.name),
        }
        for each in services().rules.senders()
    ]


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
    secret = sender.secrets[0]
    if secret.startswith("whsec_"):
        return _standard_webhook(secret, test_id, body, now)
    if sender.source == "github":
        digest = hmac.digest(secret.encode(), body, "sha256").hex()
        return {"x-hub-signature-256": f"sha256={digest}"}
    if sender.source == "gitlab":
        return {"x-gitlab-token": secret}
    if sender.source == "jenkins":
        return {"authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return {"authorization": f"Bearer {secret.removeprefix('bearer:')}"}


def _standard_webhook(secret: str, test_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    timestamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{test_id}.{timestamp}.".encode() + body, "sha256")
    return {
        "webhook-id": test_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
