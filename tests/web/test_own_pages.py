"""Badges and the stage map for tokens of some projects: their own, and no other project's name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import envelope, post, stage, verdict

WEB = {"project": "web", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
SECRET = WEB | {"project": "secret-project"}
MAPS = '["*"]\nnames = { "All" = 15 }\n["web"]\nnames = { "Mine" = 25 }\n["secret-project"]\n'


@pytest.fixture
def two(serve: Callable[[Config], FlaskClient], config: Config, tmp_path: Path) -> FlaskClient:
    """Builds of two projects, each with a stage that maps to nothing, and their stage maps."""
    file = tmp_path / "stages.toml"
    file.write_text(MAPS + 'names = { "Hidden" = 35 }\n')
    client = serve(replace(config, stages=file))
    for build in (WEB, SECRET):
        events = [stage(f"Odd of {build['project']}"), verdict("completed")]
        document = envelope(*events, number=build["project"], run=build["project"], build=build)
        assert post(client, document).status_code == 202
    return client


def test_a_token_of_one_project_gets_its_own_badges(two: FlaskClient, token: Callable[..., str]):
    own = {"Authorization": f"Bearer {token('read', '--project', 'web')}"}
    for path in ("/badge/web.svg", "/badge/web/aws/rhel-9/web.svg", "/badge.json?project=web"):
        assert two.get(path, headers=own).status_code == 200, path
    for path in ("/badge/secret-project.svg", "/badge/secret-project/aws/rhel-9/web.svg"):
        assert two.get(path, headers=own).status_code == 404, path
        assert two.get(path).status_code == 200
    assert two.get("/badge/-/aws/rhel-9/web.svg", headers=own).status_code == 404


def test_a_token_of_one_project_sees_the_stage_map_without_other_projects(
    two: FlaskClient, token: Callable[..., str]
):
    own = {"Authorization": f"Bearer {token('read', '--project', 'web')}"}
    for path in ("/stages", "/stages.json"):
        text = two.get(path, headers=own).text.lower()
        for mine in ("mine", "all", "odd of web"):
            assert mine in text
        assert "secret-project" not in text
        assert "hidden</bdi>" not in text
        assert '"hidden"' not in text
        assert "the file of" not in text, "the host is nothing to a project"
        assert "the file of" in two.get(path).text.lower()
        assert "secret-project" in two.get(path).text
