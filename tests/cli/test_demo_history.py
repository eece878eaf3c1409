"""What the demo tells: every image, cause and story once, and nothing that is not over by now."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import Result

from receiver.cli import (
    demo_causes,
    demo_data,
    demo_history,
    demo_live,
    demo_plans,
    demo_settings,
)
from receiver.domain.build_changes import compare_link
from receiver.domain.model import DIMENSIONS, Json
from receiver.ingest.project_settings import ProjectSettings
from receiver.sources.milepost import ENVELOPE

EIGHT = datetime(2026, 11, 30, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def documents() -> list[Json]:
    return list(demo_history.fourteen_nights(EIGHT))


def test_sixty_images_are_built_in_fourteen_nights(documents: list[Json]):
    images = {tuple(each["build"][name] for name in DIMENSIONS) for each in documents}
    days = {each["build"]["number"][-8:] for each in documents}
    assert len(images) == 60
    assert {f"202611{day}" for day in range(17, 31)} <= days
    assert len({each["build"]["number"] for each in documents}) > 780


def test_what_the_demo_tells_is_the_same_at_each_run(documents: list[Json]):
    assert list(demo_history.fourteen_nights(EIGHT)) == documents


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_no_time_of_the_demo_is_in_the_future(hour: int):
    now = EIGHT.replace(hour=hour)
    for document in demo_history.fourteen_nights(now):
        ENVELOPE.deserialize(document)  # raises what is wrong
        assert all(datetime.fromisoformat(each["at"]) <= now for each in document["events"])


def test_every_cause_happens_and_every_story_is_of_an_image():
    told = [story.what for story in demo_data.STORIES]
    assert set(told) <= {"missing", "cancelled", "running", "slow", *demo_causes.CAUSES}
    assert set(demo_causes.CAUSES) <= set(told)
    stages = {name for name, _, _ in demo_data.STAGES}
    assert {cause.stage for cause in demo_causes.CAUSES.values()} <= stages
    for story in demo_data.STORIES:
        nights = {
            night
            for image in demo_plans.images()
            if set(story.words) <= set(image.names)
            for night in demo_plans.nights_of(image.family)
        }
        assert set(story.nights) <= nights, story


def test_a_history_of_any_length_has_failures_retries_and_running_builds():
    documents = list(demo_history.envelopes(300, EIGHT))
    said = [event.get("status") for each in documents for event in each["events"]]
    running = [each for each in documents if each["events"][-1].get("status") == "started"]
    assert len({each["build"]["number"] for each in documents}) == 300
    assert any(each["run"]["attempt"] == 2 for each in documents)
    assert "failed" in said
    assert running


def test_each_verdict_is_there_and_most_second_attempts_are_good(documents: list[Json]):
    verdicts = Counter(
        event["status"]
        for each in documents
        for event in each["events"]
        if event["kind"] == "build"
    )
    assert verdicts["failed"] > 40
    assert verdicts["completed"] > 700
    assert verdicts["cancelled"] == 3
    second = [each for each in documents if each["run"]["attempt"] == 2]
    assert len(second) > 10
    assert all(each["events"][-1]["kind"] == "check" for each in second)


def test_what_is_built_on_a_base_names_an_image_that_was_made(documents: list[Json]):
    made = {
        event["artifact"]["artifact_id"]
        for each in documents
        for event in each["events"]
        if event["kind"] == "artifact"
    }
    started = [source["artifact_id"] for each in documents for source in each.get("sources", ())]
    older = [each for each in started if each not in made]
    assert len(started) > 400
    assert len(older) < 10  # a weekly image began on a base of a night before these


def test_links_are_those_of_the_forges(documents: list[Json]):
    links = {each["build"]["project"]: each["run"]["url"] for each in documents}
    commits = ("a" * 40, "b" * 40)
    assert str(compare_link(links["platform"], *commits)).startswith("https://github.example.com/")
    assert str(compare_link(links["data"], *commits)).startswith("https://gitlab.example.com/")
    assert links["web"].startswith("https://jenkins.example.com/job/")


def test_a_live_build_has_run_for_a_while_and_comes_to_a_good_end():
    names = demo_data.LIVE[0]
    plan = demo_live.begun(demo_plans.image_of(names))
    documents = list(demo_live.build(plan))
    for each in documents:
        ENVELOPE.deserialize(each)  # raises what is wrong
    events = [event for each in documents for event in each["events"]]
    stages = [event["stage"] for event in events if event.get("status") == "started"]
    assert stages == [name for name, _, _ in demo_data.STAGES]
    assert datetime.now(UTC) - plan.began > timedelta(minutes=10)
    assert "completed" in [event["status"] for event in events if event["kind"] == "build"]


@pytest.mark.parametrize("names", demo_data.LIVE)
def test_every_live_build_is_of_an_image(names: tuple[str, ...]):
    assert demo_plans.image_of(names).names == names


def test_a_history_is_recorded_in_the_database_of_the_settings(
    url: str, command: Callable[..., Result]
):
    done = command("demo", "--builds", "7")
    assert done.exit_code == 0, done.output
    assert done.output == "Recorded 7 builds.\n"
    with psycopg.connect(url) as connection:
        count = connection.execute("SELECT count(*) FROM builds").fetchone()
    assert count == (7,)


def test_projects_get_settings_where_they_have_none(url: str, tmp_path: Path):
    env = {"DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    known = ProjectSettings.parse(demo_settings.document(), "projects")
    assert known.projects.keys() == {*demo_data.OWNERS, "demo"}
    assert not demo_settings.set_projects(env | {"MILEPOST_PROJECTS": "/nowhere/projects.toml"})
    assert demo_settings.set_projects(env)
    assert not demo_settings.set_projects(env)
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT document FROM settings_documents").fetchall()
    assert found == [(demo_settings.document(),)]
