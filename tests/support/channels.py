"""Builds with images, and channels, as people make them."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.api import Api
from tests.support.senders import Json, envelope, manifest, post, verdict

IMAGE = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
PATH = "/images/aws/rhel-9/web"


def report(client: FlaskClient, number: str, minutes: float, *ids: str, **of: str | None) -> None:
    """Report a completed build; `ids` are its artifacts, as region:id. `of` replaces dimensions."""
    build = {name: text for name, text in (IMAGE | of).items() if text}
    made = [{"builder_type": "amazon-ebs", "artifact_id": each} for each in ids]
    said = envelope(
        verdict("completed", minutes),
        number=number,
        run=f"run-{number}",
        build=build,
        manifest=manifest(*made, run_uuid=number),
    )
    assert post(client, said).status_code == 202


def create(api: Api, name: str, **fields: Any) -> Json:
    """Create a channel."""
    answer = api.post("/channels", {"name": name, **fields}, scope="admin")
    assert answer.status_code == 201, answer.text
    channel: Json = answer.get_json()
    return channel


def assign(api: Api, name: str, number: str, **more: Any) -> TestResponse:
    """Put a build into a channel, as an administrator does, or with `scope` and `project`."""
    sender = {key: more.pop(key) for key in ("scope", "own") if key in more}
    token = {"scope": sender.get("scope", "admin"), "project": sender.get("own")}
    body = {"build_number": number, **more}
    return api.post(f"/channels/{name}/assignments", body, **token)


def served(api: Api, query: str = "", path: str = PATH) -> str | int:
    """Return the image as a shell gets it; the status where there is none."""
    answer = api.send("GET", f"{path}?format=text&{query}", scope="admin")
    return answer.text.strip() if answer.status_code == 200 else answer.status_code
