"""One project cannot touch another: senders, projects, sources and ways in, in both orders.

Each cell is tried on a real database: a job of the victim's project, which its own hook and its
forge report, and an intruder, whose sender may or may not write that project.
"""

from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.intruders import (
    CELLS,
    CLAIMS,
    FORGES,
    NAMED,
    NUMBERS,
    Victim,
    by_key,
    by_last_run_uuid,
    deliver,
    may_write,
    receiver,
    report,
    told_by_forge,
    view,
)
from tests.support.senders import envelope, stage

__all__ = ["receiver"]  # a fixture


@cache
def undisturbed(client: FlaskClient, source: str, project: str | None) -> Any:
    victim = Victim(source, project, next(NUMBERS))
    report(client, victim)
    return view(client, victim.number)


@pytest.mark.parametrize("way", CLAIMS)
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_a_claim_of_another_project_joins_nothing_and_blocks_nobody(
    receiver: FlaskClient, way: str, is_first: bool
):
    for sender, project, source in CELLS:
        if not sender or may_write(sender, project):
            continue
        victim = Victim(source, project, next(NUMBERS))
        own = f"own-{victim.id}"
        if not is_first:
            report(receiver, victim)
        answer = CLAIMS[way](receiver, sender, victim, own)
        assert answer.status_code == 202, (answer.text, sender, victim)
        if is_first:
            report(receiver, victim)
        assert view(receiver, victim.number) == undisturbed(receiver, source, project), (
            sender,
            victim,
        )
        if way != "forge":
            status, name, attempt, *_ = view(receiver, own)
            end = "completed" if way == "last_run_uuid" else "failed"
            assert (status, attempt) == (end, 1)
            assert name == ("core" if sender in ("core", "both") else "data")


@pytest.mark.parametrize("way", NAMED)
def test_a_build_of_another_project_is_refused(receiver: FlaskClient, way: str):
    for sender, project, source in CELLS:
        victim = Victim(source, project, next(NUMBERS))
        report(receiver, victim)
        answer = NAMED[way](receiver, sender, victim, f"own-{victim.id}")
        expected = 202 if may_write(sender, project) else 422
        assert answer.status_code == expected, (answer.text, sender, victim)
        if expected == 422:
            assert view(receiver, victim.number) == undisturbed(receiver, source, project)


@pytest.mark.parametrize("way", ["key", "runner", "forge"])
def test_a_claim_of_the_same_project_gives_one_result_in_both_orders(
    receiver: FlaskClient, way: str
):
    for sender, project, source in CELLS:
        if not may_write(sender, project):
            continue
        views = []
        for is_first in (True, False):
            victim = Victim(source, project, next(NUMBERS))
            own = f"own-{victim.id}"
            if is_first:
                CLAIMS[way](receiver, sender, victim, own)
            report(receiver, victim)
            if not is_first:
                CLAIMS[way](receiver, sender, victim, own)
            views.append([view(receiver, number) for number in (victim.number, own)])
        assert views[0] == views[1], (sender, project, source)


@pytest.mark.parametrize(("way", "joins"), [("key", True), ("runner", False)])
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_a_job_without_a_project_can_be_claimed_by_its_exact_key_alone(
    receiver: FlaskClient, way: str, joins: bool, is_first: bool
):
    victim = Victim("github", None, next(NUMBERS))
    told = told_by_forge(victim, failed=False)
    if not is_first:
        deliver(receiver, "github", "", told)
    runner = told["workflow_job"]["runner_name"]
    key = victim.key if way == "key" else victim.key.rpartition(":")[0] + f":{runner}"
    said = envelope(stage("Storage", "started", 1), number=victim.number, run=key)
    assert deliver(receiver, "milepost", "core", said).status_code == 202
    if is_first:
        deliver(receiver, "github", "", told)
    assert view(receiver, victim.number)[0] == ("completed" if joins else "running")


@pytest.mark.parametrize("source", FORGES)
def test_a_forge_of_another_project_is_not_believed_before_the_hook_reports(
    receiver: FlaskClient, source: str
):
    for project in ("data", None):
        victim = Victim(source, None, next(NUMBERS))  # no route: the hook alone tells
        told = told_by_forge(victim, failed=True)
        assert deliver(receiver, source, "core", told).status_code == 202
        build = {"project": project} if project else {}
        said = envelope(
            stage("Storage", "started", 1), number=victim.number, run=victim.key, build=build
        )
        assert deliver(receiver, "milepost", "", said).status_code == 202
        assert view(receiver, victim.number)[:2] == ("running", project)


def test_an_image_of_another_project_is_not_replaced(receiver: FlaskClient):
    victim = Victim("github", "data", next(NUMBERS))
    deliver(receiver, "github", "", told_by_forge(victim, failed=False))
    route = f"acme-images-{victim.id}-of-data"
    before = view(receiver, route)
    for way in (by_key, by_last_run_uuid):
        own = f"own-{victim.id}-{way.__name__}"
        assert way(receiver, "core", victim, own).status_code == 202
        assert view(receiver, own)[1] == "core"
    assert view(receiver, route) == before
    assert before[:2] == ("completed", "data")
