"""What is doubtful of a build: conflicts, inferred names, clocks that are ahead, UNSTABLE."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from receiver.domain.model import Artifact, Event, Identity
from tests.support.fold_events import fold, manifest_event, moment, stage, statement, verdict


def said(os_version: str, minutes: float, **more: Any) -> Any:
    return statement(stage("x", "started", minutes), said=Identity(os_version=os_version), **more)


def test_two_said_values_of_one_run_are_a_conflict():
    result = fold(said("rhel-9", 0), statement(verdict("failed", 3)), said("ubuntu-24.04", 5))
    assert result.build.attempt == 2
    assert result.build.conflict == {"os_version": ["rhel-9", "ubuntu-24.04"]}


def test_two_said_values_of_two_runs_are_a_correction():
    result = fold(said("rhel-9", 0), said("ubuntu-24.04", 5, run="run-2"))
    assert (result.build.conflict, result.identity.os_version) == (None, "ubuntu-24.04")


def test_what_a_person_says_is_no_conflict():
    person = said("rhel-9.4", 5, run="api", source="api")
    assert fold(said("rhel-9", 0), person).build.conflict is None


def test_what_nobody_states_is_inferred_from_names_with_their_place():
    result = fold(
        statement(
            stage("x", "started", 0),
            manifest_event(5),
            names={"target": "amazon-ebs.rhel9", "job": "ubuntu-2404"},
            said=Identity(image_type="web"),
        )
    )
    assert result.identity == Identity(None, "amazon-ebs", "rhel-9", "web")
    assert result.build.inferred == {"platform": "builder", "os_version": "target"}


def test_the_entries_of_a_manifest_are_names_too():
    named = Artifact("ami-1", builder_type="amazon-ebs", name="rhel9-base")
    old = Artifact("ami-0", builder_type="amazon-ebs", name="ubuntu", current=False)
    event = Event("manifest", moment(5), artifacts=(old, named))
    result = fold(statement(event))
    assert result.identity == Identity(None, "amazon-ebs", "rhel-9", "base")
    assert result.build.inferred == {
        "platform": "builder",
        "os_version": "entry",
        "image_type": "entry",
    }
    both = fold(
        statement(msgspec.structs.replace(event, artifacts=(named, Artifact("b", name="sles-15"))))
    )
    assert both.identity.os_version is None


def test_what_is_stated_is_not_inferred():
    said = Identity("core", "aws", "sles-15", "base")
    result = fold(statement(stage("x", "started", 0), said=said, names={"job": "rhel9"}))
    assert (result.identity, result.build.inferred) == (said, None)


@pytest.mark.parametrize(("ahead", "future"), [(-60, False), (4, False), (6, True)])
def test_a_time_after_its_receipt_is_kept_and_marked(ahead: int, future: bool):
    told = replace(statement(verdict("completed", ahead)), received=moment(0))
    build = fold(told).build
    assert (build.end_time, build.future) == (moment(ahead), future)


def test_an_attempt_in_the_future_is_ordered_by_its_receipt():
    ahead = statement(verdict("completed", 60 * 24 * 365 * 100), run="ahead")
    late = statement(verdict("failed", 30), run="late")
    told = [replace(ahead, received=moment(5)), replace(late, received=moment(31))]
    assert fold(*told).build.status == "failed"
    again = replace(told[0], received=moment(5) + timedelta(days=9))
    assert fold(again, *told).build.status == "failed"


def test_unstable_is_a_mark_of_a_completed_build():
    assert fold(statement(verdict("completed", 5, word="unstable"))).build.unstable
    both = statement(verdict("completed", 5, word="unstable"), verdict("failed", 6))
    assert not fold(both).build.unstable


def test_the_branch_of_the_newest_attempt_is_kept_with_its_pull_request():
    from receiver.domain.fold.events import StoredStatement
    from receiver.domain.model import Run, Statement

    run = Run("run-1", branch="x", default_branch="main", pull_request="12")
    told = StoredStatement(1, "milepost", Statement("b-1", run, (verdict("completed", 5),)))
    build = fold(told).build
    assert (build.branch, build.default_branch, build.pull_request) == ("x", "main", "12")
