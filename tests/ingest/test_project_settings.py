"""The file of projects: what holds for a project, what is expected, and every mistake."""

import os
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from receiver.config import Config
from receiver.errors import ConfigError
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.rules import Rules

FILE = """
[project."core"]
serve_branches = ["main", "release/*"]
unstable = "completed"
window = "20:00-08:00 Europe/Berlin"
owner = "Core team"

[project."core/web"]
owner = "Web team"
unstable = "unstable"

[project."*"]
owner = "Platform team"

[[expect]]
project = "core"
image_type = "base*"
every = "7d"
grace = "12h"
max_age = "30d"
ready_by = "07:00"
max_duration = "90m"
regions = ["eu-central-1"]
"""


def settings(text: str = FILE) -> ProjectSettings:
    return ProjectSettings.parse(text, "projects.toml")


def test_project_inherits_each_key_from_the_nearest_project_above():
    file = settings()
    core, web, other = file.of(["core"]), file.of(["core/web", "core"]), file.of(["other"])
    assert (core.owner, core.unstable) == ("Core team", "completed")
    assert (web.owner, web.unstable) == ("Web team", "unstable")
    assert web.serve_branches == core.serve_branches == ("main", "release/*")
    assert (other.owner, other.serve_branches, other.window) == ("Platform team", None, None)


def test_window_is_two_times_of_day_in_a_zone():
    window = settings().of(["core"]).window
    assert window
    assert (window.start, window.end) == (time(20), time(8))
    assert window.zone.key == "Europe/Berlin"


def test_expected_image_has_patterns_and_limits():
    (expected,) = settings().expectations
    assert (expected.project, expected.platform, expected.image_type) == ("core", None, "base*")
    assert (expected.every, expected.grace) == (timedelta(days=7), timedelta(hours=12))
    assert (expected.ready_by, expected.max_duration) == (time(7), timedelta(minutes=90))
    assert expected.regions == ("eu-central-1",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[project."core"]\nserve_branches = "main"', "line 2: serve_branches must be a list"),
        ('[project."core"]\nserve_branches = []', "line 2: serve_branches must be a list"),
        ("[project.core]\n\nserve_branch = []", "line 3: serve_branch is unknown; known are"),
        ('[project."core"]\nunstable = "failed"', 'line 2: unstable must be "completed"'),
        ('[project."core"]\nwindow = "20:00-08:00"', "line 2: window must be as"),
        ('[project."core"]\nwindow = "20:00-25:00 UTC"', "line 2: window must be a time of day"),
        ('[project."core"]\nwindow = "20:00-20:00 UTC"', "line 2: window must begin and end"),
        ('[project."core"]\nwindow = "20:00-08:00 CET/Bonn"', "names the time zone CET/Bonn"),
        ('[project."core"]\nwindow = "20:00-08:00 ../UTC"', "names the time zone ../UTC"),
        ('[project."core"]\nowner = 7', "line 2: owner must be text"),
        ('[project]\ncore = "main"', "line 1: write [project"),
        ("[[project]]", "line 1: write [project"),
        ("\n[projects]", "line 2: write [project"),
        ("[expect]\nevery = '7d'", "line 1: write [[expect]] with two brackets"),
        ('[[expect]]\nevery = "7"', "line 2: every must be a time with its unit"),
        ("[[expect]]\nevery = 7", "line 2: every must be a time with its unit"),
        ('[[expect]]\nproject = "a"\n[[expect]]\nmax_age = "0d"', "line 4: max_age must be a time"),
        ('[[expect]]\nready_by = "7"', "line 2: ready_by must be a time of day"),
        ('[[expect]]\nregions = [""]', "line 2: regions must be a list"),
        ('[[expect]]\nowner = "x"', "line 2: owner is unknown; known are project,"),
        ("[project]\nowner =\n", "(at line 2"),
    ],
)
def test_mistake_is_named_with_its_line(text: str, problem: str):
    with pytest.raises(ConfigError) as raised:
        settings(text)
    (found,) = raised.value.problems
    assert found.startswith("projects.toml")
    assert problem in found


def test_every_mistake_is_named():
    with pytest.raises(ConfigError) as raised:
        settings('[project."core"]\nowner = 7\nwindow = 8\n[[expect]]\nevery = 1\n')
    lines = [problem.split(": ")[0] for problem in raised.value.problems]
    assert lines == [f"projects.toml, line {line}" for line in (2, 3, 5)]


def test_broken_edit_leaves_the_last_good_settings(tmp_path: Path):
    path = tmp_path / "projects.toml"
    path.write_text('[project."core"]\nowner = "first"\n')
    rules = Rules.load(Config(data_dir=tmp_path, projects=path))
    for text, owner in (("owner = ", "first"), ('[project.core]\nowner = "third"', "third")):
        path.write_text(text)
        os.utime(path, ns=(len(text), len(text)))
        assert rules.projects().of(["core"]).owner == owner


def test_doctor_names_the_mistakes_of_the_file(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "projects.toml"
    path.write_text('[project."core"]\nowners = "x"\n')
    monkeypatch.setenv("MILEPOST_PROJECTS", str(path))
    result = command("doctor")
    assert "projects.toml, line 2: owners is unknown" in result.output
    assert result.exit_code == 1
