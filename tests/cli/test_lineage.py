"""milepost lineage, behind and checks."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.api.test_lineage import BASE_1, BASE_2, CORE, WEB_1, take
from tests.support.senders import at, envelope

Command = Callable[..., Result]


@pytest.fixture(autouse=True)
def _builds(client: FlaskClient) -> None:
    counts = {"counts": {"critical": 2, "low": 0}, "fixable": {"critical": 1}}
    told = {"name": "trivy", "kind": "scan", "status": "failed", **counts}
    checks = [{"kind": "check", "at": at(minutes), "check": told} for minutes in (60, 70)]
    take(client, BASE_1, WEB_1, BASE_2, envelope(*checks, number="web-1", run="scan", build=CORE))


def test_a_child_is_shown_with_its_base(command: Command):
    shown = command("lineage", "web-1").stdout
    assert shown.startswith("web-1: behind\n\nparents\n")
    assert "base-1" in shown
    made = command("lineage", "base-1", "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["children"]


def test_what_is_behind_is_listed_with_the_newest_base(command: Command):
    shown = command("behind").stdout
    assert all(word in shown for word in ("web-1", "base-1", "base-2"))
    items = json.loads(command("behind", "--json").stdout)
    assert [row["build_number"] for row in items] == ["web-1"]


def test_checks_are_listed_with_their_numbers(command: Command):
    assert "2 critical" in command("checks", "web-1").stdout
    assert len(json.loads(command("checks", "web-1", "--json").stdout)) == 1
    assert len(json.loads(command("checks", "web-1", "--json", "--history").stdout)) == 2
