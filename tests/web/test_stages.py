"""`/stages`: the own maps, the lines that map what is unmapped, and files that are wrong."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.domain.stage_map import StageMap
from receiver.storage.db import connect
from receiver.storage.settings import KINDS, write_document
from receiver.web.pages.stages import lines_to_add
from tests.support.senders import COMBINATION, envelope, post, stage

Serve = Callable[[Config], FlaskClient]
OWN = """\
["*"]
names = { "Harden OS" = 25 }
["core"]
names = { "Odd one" = 30 }
patterns = { '(?i)^ansible.*cis' = 26 }
"""
HOSTILE = [
    'say "hi"',
    "back\\slash",
    "tab\there",
    "del\x7f",
    "wall \U0001f9f1",
    "[x]",
    "a = 1",
    "\u202e",
]


@pytest.fixture
def mapped(serve: Serve, config: Config, tmp_path: Path) -> FlaskClient:
    """A receiver with a map of its own."""
    path = tmp_path / "stages.toml"
    path.write_text(OWN)
    return serve(replace(config, stages=path))


def change(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 10**9))


def test_the_own_maps_come_before_the_built_in_one(mapped: FlaskClient):
    page = mapped.get("/stages").text
    own, built_in = page.index('id="own"'), page.index('id="codes"')
    for text in ("harden os", "odd one", "(?i)^ansible.*cis"):
        assert own < page.index(text) < built_in
    maps = mapped.get("/stages.json").get_json()["maps"]
    assert [each["project"] for each in maps] == ["core", "*"]
    assert maps[0]["patterns"] == [{"pattern": "(?i)^ansible.*cis", "state": 26}]


def test_a_changed_map_is_shown_at_once(mapped: FlaskClient, tmp_path: Path):
    before = mapped.get("/stages")
    change(tmp_path / "stages.toml", '["*"]\nnames = { "Quite new" = 40 }\n')
    after = mapped.get("/stages", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "quite new" in after.text


def test_an_unmapped_stage_says_how_often_and_where(client: FlaskClient):
    for number in ("n-1", "n-2"):
        steps = stage("Base configuration"), stage("Odd step", minutes=1)
        report = envelope(*steps, number=number, run=number, build=COMBINATION)
        assert post(client, report).status_code == 202
    (row,) = client.get("/stages.json").get_json()["unmapped"]
    assert (row["stage"], row["project"], row["count"], row["builds"]) == ("Odd step", "core", 2, 2)
    assert row["build_number"] in ("n-1", "n-2")
    page = client.get("/stages").text
    lines = re.findall(r'<pre class="lines"[^>]*><code>(.*?)</code>', page, re.DOTALL)
    assert unescape(lines[0]) == '["core".names]\n"Odd step" = 15\n'


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("project", [None, "core", 'q"\\'])
def test_the_lines_map_the_stage(name: str, project: str | None):
    rows = [{"project": project, "stage": name, "state": 35}]
    (new,) = lines_to_add(rows, [])
    stages = StageMap.parse(new["text"], "stages.toml")
    assert stages.state_of(name, [project or "elsewhere"]) == 35
    table = project or "*"
    (more,) = lines_to_add(rows, [table])
    head = new["text"].partition("\n")[0].replace(".names]", "]")
    text = f'{head}\nnames = {{ "Old" = 5, {more["text"]} }}\n'
    assert StageMap.parse(text, "stages.toml").state_of(name, [table]) == 35


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_file_is_told_to_all_and_explained_to_administrators(
    serve: Serve, config: Config, tmp_path: Path, token: Callable[..., str], kind: str
):
    path = tmp_path / f"{kind}.toml"
    path.write_text("")
    field = "senders_file" if kind == "senders" else kind
    wrong: dict[str, Any] = {field: path}
    client = serve(replace(config, **wrong))
    change(path, 'secret_text = "canary')
    for page in ("/stages", "/setup"):
        text = client.get(page).text
        assert f"Wrong settings: {kind}." in text
        assert "canary" not in text
    assert "Wrong settings" not in client.get("/builds").text
    admin = {"Authorization": f"Bearer {token('admin')}"}
    for page in ("/", "/builds", "/stages", "/setup", "/deliveries", "/audit", "/trends"):
        text = client.get(page, headers=admin).text
        assert f"The settings of {kind} are wrong. In use: the last good reading of {path}." in text
        assert f"{kind}.toml" in text
    change(path, "")
    assert "Wrong settings" not in client.get("/stages").text


def test_a_broken_document_names_the_version_that_is_in_use(
    client: FlaskClient, url: str, token: Callable[..., str]
):
    rules = client.application.extensions["milepost"].rules
    with connect(url) as connection:
        write_document(connection, "routes", "", "ada")
        write_document(connection, "routes", "[[[", "a newer release")
    rules.stored.renew_now()
    admin = {"Authorization": f"Bearer {token('admin')}"}
    text = client.get("/trends", headers=admin).text
    assert "The settings of routes are wrong. In use: version 1 in the database." in text
    assert "Wrong settings: routes." in client.get("/setup").text
