"""A receiver with a projects file, builds with images, and what a shell gets of them."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import Json, envelope, manifest, post, verdict

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
PATH = "/api/v1/images/aws/rhel-9/web"
Report = Callable[..., None]


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """The projects file, empty at first."""
    path = tmp_path / "projects.toml"
    path.write_text("")
    return path


@pytest.fixture
def client(serve: Callable[[Config], FlaskClient], config: Config, projects: Path) -> FlaskClient:
    """Requests to a public receiver with a projects file."""
    return serve(replace(config, projects=projects))


@pytest.fixture
def report(client: FlaskClient) -> Report:
    """A completed build with the entries of its manifest. `of` replaces dimensions, None leaves one
    out; `names` are the raw names that it reports, `word` is the CI's own for its end."""

    def send(
        number: str,
        minutes: float,
        *entries: Json,
        run: Json | None = None,
        of: Json | None = None,
        names: Json | None = None,
        word: str = "",
    ) -> None:
        made = [{"builder_type": "amazon-ebs", "name": None, **each} for each in entries]
        build = {name: text for name, text in (OF | (of or {})).items() if text}
        failure = {"failure": {"type": "build", "message": f"The CI's own word: {word}"}}
        said = envelope(
            verdict("completed", minutes, **(failure if word else {})),
            number=number,
            run=number,
            run_more=run or {},
            build=build | ({"names": names} if names else {}),
            manifest=manifest(*made, run_uuid=number),
        )
        assert post(client, said).status_code == 202

    return send


def ami(artifact_id: str, region: str = "us-1", **more: Any) -> Json:
    """Return an entry of a manifest."""
    return {"artifact_id": f"{region}:{artifact_id}", **more}


def set_projects(path: Path, text: str) -> None:
    """Change the file so that the receiver reads it again."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def image(client: FlaskClient, query: str = "") -> str | None:
    """Return the image as a shell gets it; None where there is none."""
    answer = client.get(f"{PATH}?format=text&{query}")
    assert answer.status_code in (200, 404), answer.text
    return answer.text.strip() if answer.status_code == 200 else None


def why(client: FlaskClient, query: str = "", path: str = PATH) -> str:
    """Return the words of a 404."""
    answer = client.get(f"{path}?format=text&{query}")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    detail: str = answer.get_json()["detail"]
    return detail


MAIN = {"branch": "main", "default_branch": "main"}
GUESS = {"of": {"os_version": None}, "names": {"target": "amazon-ebs.rhel9"}}
