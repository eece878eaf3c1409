"""News that comes with time: digests, silent senders, overdue, lost and late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from receiver.config import Config
from tests.support import forges
from tests.support.listeners import Listener
from tests.support.notices import Make, Telling, notice, telling
from tests.support.senders import manifest


def digest_of(there: Telling) -> str:
    (row,) = there.rows(
        "SELECT title, body FROM notice_messages ORDER BY created_at DESC, id DESC LIMIT 1"
    )
    return f"{row['title']}\n{row['body']}"


def test_quarantined_deliveries_of_a_sender_are_told_once_a_day(
    config: Config, tmp_path: Path, target: Listener
):
    config = replace(config, secrets={**config.secrets, "github": (forges.SECRETS["github"],)})
    text = notice(target, on=["quarantined"])
    with telling(config, tmp_path, text) as there:
        there.now = datetime.now(UTC)
        for _ in range(3):
            forges.post_github(there.client, {"workflow_job": 5})
        there.tick()
        there.tick(hours=1)
    (post,) = target.posts
    assert post.document["text"].startswith("! github default: a delivery cannot be used")
    assert post.document["url"].endswith("/deliveries?outcome=quarantined")


def test_digest_is_sent_once_a_day_also_when_all_is_well(make: Make, target: Listener):
    there = make(notice(target, on=["digest"], digest="07:00 UTC"))
    there.report("completed", "b-1")
    there.tick()
    there.tick(hours=5.9)
    assert target.posts == [], "the first one is due at seven"
    there.tick(hours=0.2)
    there.tick(hours=5)
    assert len(target.posts) == 1
    document = target.posts[0].document
    assert (document["type"], document["image"]) == ("digest", None)
    assert document["text"].splitlines()[0] == "✓ The image is well"
    assert document["url"] == "http://127.0.0.1:8080/"
    there.tick(hours=20)
    assert len(target.posts) == 2


def test_digest_repeats_what_fails_with_nights_and_owner_and_what_runs(
    make: Make, target: Listener
):
    window = '[project."core"]\nowner = "Core team"\nwindow = "20:00-08:00 UTC"\n'
    there = make(notice(target, on=["digest"], digest="07:00 UTC"), window)
    there.tick()
    for hours in (60, 36, 12):
        at = there.now + timedelta(hours=5 - hours)
        there.report("failed", f"b-{hours}", at=at)
    there.report("completed", "b-good", "hana")
    there.report(None, "b-runs", "web")
    url = {"url": "https://github.com/acme/images/actions/runs/7"}
    there.report("failed", "b-un", image=dict.fromkeys(("os_version", "platform")), run_more=url)
    there.tick(hours=6.1)
    first, *lines = digest_of(there).splitlines()
    assert first == "✗ 1 of 3 images fails, 1 running"
    assert lines[0] == "Unnamed builds of the last 7 days: acme/images (1 of 1 failed)"
    assert lines[1] == (
        "✗ core/aws-commercial/rhel-9.4/base fails at 25, 3 nights: no route to host (Core team)"
    )
    assert lines[2].startswith("◐ core/aws-commercial/rhel-9.4/web at 25 since ")


def test_digest_of_patterns_is_of_those_images_alone(make: Make, target: Listener):
    text = notice(target, on=["digest"], digest="07:00 UTC", image_type="hana")
    there = make(text)
    there.tick()
    there.report("failed", "b-1")
    there.report("completed", "b-2", "hana")
    there.tick(hours=6.1)
    assert digest_of(there).splitlines()[0] == "✓ The image is well"


def test_a_sender_that_fell_silent_is_told_once(make: Make, target: Listener):
    there = make(notice(target, on=["silent-sender"]))
    there.report("completed", "b-1")
    there.now = datetime.now(UTC)
    there.tick(days=6)
    assert target.posts == []
    there.tick(days=1.1)
    there.tick(hours=2)
    (post,) = target.posts
    assert post.document["text"].startswith("! milepost default is silent since ")


def test_an_overdue_and_a_lost_build_are_told_once(make: Make, target: Listener):
    text = notice(target, on=["overdue", "lost", "recovered"])
    projects = '[[expect]]\nproject = "core"\nmax_duration = "1h"\n'
    there = make(text, projects)
    there.report(None, "b-1")
    there.now = datetime.now(UTC)
    with there.services.database.transaction() as connection:  # as if it had begun two hours ago
        connection.execute(
            "UPDATE builds SET start_time = %(at)s, last_heard_at = %(at)s",
            {"at": there.now - timedelta(minutes=70)},
        )
    there.tick()
    there.tick(minutes=5)
    (overdue,) = target.posts
    assert overdue.document["type"] == "overdue"
    assert overdue.document["text"].splitlines()[0] == (
        "◌ core/aws-commercial/rhel-9.4/base overdue at 25, Security baseline"
    )
    assert "1 h is the most" in overdue.document["cause"]
    there.tick(hours=30)
    there.tick(minutes=5)
    assert [post.document["type"] for post in target.posts] == ["overdue", "lost"]
    assert "nothing was heard for" in target.posts[1].document["cause"]


def test_a_late_image_is_told_once_and_repeated_by_the_digest(make: Make, target: Listener):
    text = notice(target, on=["late", "digest"], digest="07:00 UTC")
    projects = '[[expect]]\nproject = "core"\nevery = "1h"\ngrace = "1h"\n'
    there = make(text, projects)
    entry = {"artifact_id": "eu-central-1:ami-0abc", "builder_type": "amazon-ebs"}
    there.report("completed", "b-1", manifest=manifest(entry, run_uuid="uuid-1"))
    there.tick(hours=1)
    assert target.posts == []
    there.tick(hours=2)
    there.tick(hours=1)
    (post,) = target.posts
    document = post.document
    assert (document["type"], document["build_number"]) == ("late", "b-1")
    assert document["text"].splitlines()[0] == "! core/aws-commercial/rhel-9.4/base is late"
    assert "Still serving ami-0abc, 3 h old." in document["text"]
    assert "/image?project=core&platform=aws-commercial&" in document["url"]
    there.tick(hours=3)
    first, second, _ = digest_of(there).splitlines()
    assert first == "! 1 of 1 images is late"
    assert second.startswith("! core/aws-commercial/rhel-9.4/base is late: ")
