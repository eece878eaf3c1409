"""The page of one build: why it failed, what is to come, what changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient

from receiver.domain.build_changes import compare_link
from receiver.web.pages.timeline import timeline
from tests.support.senders import envelope, manifest, post, stage, verdict

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
RUN = "https://github.com/acme/images/actions/runs/500"
OLD, NEW = "a" * 40, "b" * 40
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def report(client: FlaskClient, number: str, *events: Any, commit: str = OLD, **more: Any) -> None:
    document = envelope(*events, number=number, run=number, build=OF, **more)
    document["run"] |= {"commit": commit, "url": RUN}
    assert post(client, document).status_code == 202


def good(client: FlaskClient, number: str, minutes: float, commit: str = OLD, packer: str = "1.14"):
    events = (
        stage("Base", minutes=0, state=15),
        stage("Tests", minutes=minutes, state=70),
        verdict("completed", minutes + 5),
    )
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": f"eu:ami-{number}"})
    run = {"packer_version": packer, "plugins": {"amazon": packer}}
    document = envelope(*events, number=number, run=number, build=OF, manifest=made)
    document["run"] |= {"commit": commit, "url": RUN} | run
    assert post(client, document).status_code == 202


def test_a_failed_build_begins_with_its_cause_and_the_last_good_image(client: FlaskClient):
    good(client, "g-1", 10)
    log = [f"line {number}" for number in range(30)]
    failure: dict[str, Any] = {"type": "p", "message": "no route\nto host"}
    failure |= {"component": "ansible", "details": {"log": log}}
    report(
        client, "f-1", stage("Base", minutes=60, state=15), verdict("failed", 70, failure=failure)
    )
    text = client.get("/builds/f-1").text
    order = (
        "no route",
        "line 29",
        RUN,
        "ami-g-1",
        "<dt>Attempt",
        'id="timeline"',
        'id="artifacts"',
    )
    places = [text.index(each) for each in (*order, 'id="changed"', 'id="failures"')]
    assert places == sorted(places)
    assert "line 17\n" not in text
    assert "line 18" in text


def test_a_failed_build_shows_the_artifact_of_each_region_that_is_still_in_use(client: FlaskClient):
    ids = "eu-west-1:ami-0e1,us-east-1:ami-0u1"
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": ids})
    report(client, "g-1", verdict("completed", 5), manifest=made)
    report(client, "f-1", verdict("failed", 70))
    part = client.get("/builds/f-1").text.partition("Still in use")[2].partition("</ul>")[0]
    for text in ("eu-west-1", "us-east-1", 'href="/builds/g-1"'):
        assert text in part
    for each in ("ami-0e1", "ami-0u1"):
        assert f'data-copy="{each}"' in part
    assert "Still in use" not in client.get("/builds/g-1").text


def test_no_duration_is_compared_on_a_failed_build(client: FlaskClient):
    good(client, "g-1", 10)
    report(client, "f-1", stage("Base", minutes=60, state=15), verdict("failed", 99), commit=NEW)
    text = client.get("/builds/f-1").text
    changed = text[text.index('id="changed"') :]
    assert f"{RUN.partition('/actions')[0]}/compare/{OLD}...{NEW}" in changed
    assert "%" not in changed.partition("</section>")[0]


def test_what_changed_is_a_list_of_stages_tools_and_the_artifact(client: FlaskClient):
    good(client, "g-1", 10)
    good(client, "g-2", 30, NEW, "1.15")
    text = client.get("/builds/g-2").text
    changed = text[text.index('id="changed"') :].partition("</section>")[0]
    for part in ("Base", "+200 %", "1.14", "1.15", "amazon", "ami-g-1", "ami-g-2", "compare"):
        assert part in changed
    assert "Tests" not in changed


def test_resume_is_offered_only_where_an_artifact_is_kept(client: FlaskClient):
    failed = (stage("Base", minutes=0, state=15), verdict("failed", 10))
    report(client, "f-1", *failed)
    assert "milepost-hook resume" not in client.get("/builds/f-1").text


def test_a_running_build_shows_what_is_to_come_and_when_it_would_end():
    row = {"attempt": 1, "status": "started", "end_time": None, "stage": "Base", "state": 15}
    states = [row | {"start_time": NOW - timedelta(minutes=5), "mapped": True}]
    usual = {"Base": 600.0, "Tests": 300.0, "Seal": 60.0}
    (line,) = timeline(states, usual, NOW, runs=True)
    assert [each.stage for each in line.ahead] == ["Tests", "Seal"]
    assert line.ends_at == NOW + timedelta(minutes=5 + 5 + 1)
    assert line.lanes[0].is_late is False
    (late,) = timeline(states, usual | {"Base": 60.0}, NOW, runs=True)
    assert late.lanes[0].is_late is True
    (ended,) = timeline(states, usual, NOW)
    assert (ended.ahead, ended.ends_at) == ([], None)


def test_a_link_compares_commits_on_github_and_gitlab_alone():
    job = "https://gitlab.example.com/acme/sub/images/-/jobs/42"
    expected = f"https://gitlab.example.com/acme/sub/images/-/compare/{OLD}...{NEW}"
    assert compare_link(job, OLD, NEW) == expected
    assert compare_link("https://ci.example.com/job/x/1/", OLD, NEW) is None
    assert compare_link(RUN, OLD, "../../evil") is None
    assert compare_link("javascript:alert(1)//x/y/z/actions/runs/", OLD, NEW) is None
    assert compare_link(None, OLD, NEW) is None
