"""What is news for whom, and when it is told: from a delivery to the request that a target gets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from standardwebhooks import Webhook

from tests.support.listeners import Listener
from tests.support.notices import Make, notice
from tests.support.senders import OTHER_SECRET, SECRET, manifest


def titles(target: Listener) -> list[str]:
    """Return the first line of the text of each item of each request."""
    documents = [post.document for post in target.posts]
    items = [item for each in documents for item in each.get("items", [each])]
    return [item["text"].splitlines()[0] for item in items]


def test_first_failure_ever_is_told_at_once_as_a_signed_webhook(make: Make, target: Listener):
    there = make(notice(target), '[project."core"]\nowner = "Core team"\n')
    there.now = datetime.now(UTC)  # a signature is fresh for five minutes
    there.report("failed", "b-2", "hana")
    there.tick()
    (post,) = target.posts
    assert Webhook(SECRET).verify(post.body, post.headers)
    document = post.document
    assert document.keys() == {
        *("type", "at", "image", "build_number", "status", "current_state", "stage", "cause"),
        *("text", "url"),
    }
    assert document["type"] == "failed"
    assert document["image"] == {
        "project": "core",
        "platform": "aws-commercial",
        "os_version": "rhel-9.4",
        "image_type": "hana",
    }
    assert (document["build_number"], document["status"]) == ("b-2", "failed")
    assert (document["current_state"], document["stage"]) == (25, "Security baseline")
    assert document["cause"] == "no route to host"
    assert document["url"] == "http://127.0.0.1:8080/builds/b-2"
    assert document["text"].splitlines()[0] == (
        "✗ core/aws-commercial/rhel-9.4/hana failed at 25, Security baseline"
    )
    assert "Owner: Core team" in document["text"]


def test_signature_has_one_part_for_each_secret(make: Make, target: Listener, tmp_path: Path):
    (tmp_path / "keys").write_text(f"{SECRET}\n{OTHER_SECRET}\n")
    text = notice(target).replace(f'secret = "{SECRET}"', 'secret_file = "keys"')
    there = make(text)
    there.now = datetime.now(UTC)
    there.report("failed", "b-1")
    there.tick()
    (post,) = target.posts
    for secret in (SECRET, OTHER_SECRET):
        assert Webhook(secret).verify(post.body, post.headers)


def test_further_failures_of_a_window_gather_until_they_have_settled(make: Make, target: Listener):
    there = make(notice(target))
    there.report("failed", "b-1", "t1")
    there.tick()
    assert len(target.posts) == 1
    for number in (2, 3):
        there.tick(minutes=3)
        there.report("failed", f"b-{number}", f"t{number}")
        there.tick()
    there.tick(minutes=11)
    assert len(target.posts) == 1, "the second waits since 14 minutes"
    there.tick(minutes=1.1)
    assert [len(post.document.get("items", [0])) for post in target.posts] == [1, 2]


def test_a_new_window_begins_with_a_message_at_once(make: Make, target: Listener):
    there = make(notice(target), '[project."core"]\nwindow = "20:00-08:00 UTC"\n')
    there.report("failed", "b-1", "t1")
    there.tick()
    there.tick(hours=22)
    there.report("failed", "b-2", "t2")
    there.tick()
    assert len(target.posts) == 2


def test_settle_of_nothing_sends_everything_at_once(make: Make, target: Listener):
    there = make(notice(target, settle="0s"))
    for number in (1, 2, 3):
        there.report("failed", f"b-{number}", f"t{number}")
        there.tick(seconds=3)
    assert len(target.posts) == 3


def test_failures_of_one_run_gather_until_it_ends(make: Make, target: Listener):
    there = make(notice(target))
    run = "github:acme/images:500:1:{}"
    there.report(None, "b-4", "t4", run=run.format(4))
    for number in (1, 2, 3):
        there.report("failed", f"b-{number}", f"t{number}", run=run.format(number))
        there.tick(seconds=3)
    assert len(target.posts) == 1
    there.tick(minutes=1)
    there.report("completed", "b-4", "t4", run=run.format(4))
    there.tick(seconds=3)
    assert len(target.posts) == 2, "nothing else of the run can fail"


def test_a_retry_that_runs_holds_the_message_and_a_good_one_ends_it(make: Make, target: Listener):
    there = make(notice(target))
    there.report("failed", "b-1")
    there.now += timedelta(minutes=11)
    there.report(None, "b-1", run="run-2", run_more={"attempt": 2})
    there.tick(seconds=3)
    assert there.statuses() == [("failed", "held", "a retry runs")]
    there.report("completed", "b-1", run="run-2", run_more={"attempt": 2})
    there.tick(minutes=5)
    assert there.statuses() == [("failed", "dropped", "a retry was good")]
    assert target.posts == []


def test_a_retry_that_fails_is_told_once_with_its_attempt(make: Make, target: Listener):
    there = make(notice(target))
    there.report("failed", "b-1")
    there.now += timedelta(minutes=11)
    there.report("failed", "b-1", run="run-2", run_more={"attempt": 2})
    there.tick(seconds=3)
    (title,) = titles(target)
    assert title.startswith("✗ core/aws-commercial/rhel-9.4/base failed")
    assert "attempt 2" in target.posts[0].document["text"]


def test_recovered_goes_only_where_failed_went(make: Make, target: Listener):
    both = notice(target, "night") + notice(target, "hana", image_type="hana")
    there = make(both + notice(target, "only-good", on=["recovered"]))
    there.report("failed", "b-1")
    there.tick()
    there.tick(hours=2)
    there.report("completed", "b-2")
    there.report("completed", "b-3", "hana")
    there.tick()
    assert [post.path for post in target.posts] == ["/night", "/night"]
    text = target.posts[1].document["text"]
    assert text.splitlines()[0] == "✓ core/aws-commercial/rhel-9.4/base recovered"
    assert "After a failure since" in text
    there.report("completed", "b-4")
    there.tick(hours=1)
    assert len(target.posts) == 2


def test_failures_in_a_row_are_counted_since_the_first(make: Make, target: Listener):
    there = make(notice(target, settle="0s"))
    since = there.now
    for number in (1, 2, 3):
        there.report("failed", f"b-{number}")
        there.tick()
        there.tick(hours=2)
    text = target.posts[-1].document["text"]
    assert f"Third failure in a row, since {since.day} {since:%b %H:%M} UTC." in text


def test_failure_says_which_image_is_still_served(make: Make, target: Listener):
    there = make(notice(target))
    entry = {"artifact_id": "eu-central-1:ami-0abc", "builder_type": "amazon-ebs"}
    built = manifest(entry, run_uuid="uuid-1")
    there.report("completed", "b-1", manifest=built)
    there.tick(hours=5)
    there.report("failed", "b-2")
    there.tick()
    assert "Still serving ami-0abc, 5 h old." in target.posts[0].document["text"]


def test_news_of_other_branches_and_pull_requests_is_none(make: Make, target: Listener):
    there = make(notice(target))
    branch = {"branch": "feature", "default_branch": "main"}
    there.report("failed", "b-1", run_more=branch)
    there.report("failed", "b-2", "t2", run_more={"pull_request": "7"})
    there.tick(minutes=20)
    assert there.statuses() == []


def test_serve_branches_of_the_project_are_told_of(make: Make, target: Listener):
    there = make(notice(target), '[project."core"]\nserve_branches = ["release/*"]\n')
    for number, branch in (("b-1", "main"), ("b-2", "release/9")):
        there.report("failed", number, number, run_more={"branch": branch})
    there.tick()
    assert [post.document["build_number"] for post in target.posts] == ["b-2"]


def test_unnamed_failures_are_told_with_their_repository(make: Make, target: Listener):
    there = make(notice(target))
    url = {"url": "https://github.com/acme/images/actions/runs/7"}
    unnamed = dict.fromkeys(("os_version", "platform"))
    there.report("failed", "b-1", image=unnamed, run_more=url)
    there.tick()
    assert titles(target)[0].startswith("✗ unnamed image of acme/images failed at 25")


def test_what_arrived_late_is_one_message_and_what_is_older_than_a_day_none(
    make: Make, target: Listener
):
    there = make(notice(target))
    for number in range(1, 5):
        at = there.now - timedelta(minutes=50 + 10 * number)
        there.report("failed", f"b-{number}", f"t{number}", at=at)
        there.tick(seconds=3)
    there.report("failed", "b-5", "t5", at=there.now - timedelta(hours=25))
    there.tick(minutes=16)
    assert len(target.posts) == 1
    title = there.rows("SELECT title FROM notice_messages")[0]["title"]
    assert title == "Arrived late: ✗ 4 failed (1 cause)"
    assert ("failed", "dropped", "older than a day") in there.statuses()


def test_late_news_that_a_newer_build_overtook_is_none(make: Make, target: Listener):
    there = make(notice(target))
    there.report("failed", "b-1", at=there.now - timedelta(hours=2))
    there.report(None, "b-2")
    there.tick(minutes=20)
    assert there.statuses() == [("failed", "dropped", "overtaken by b-2")]


def test_muted_notice_says_nothing(make: Make, target: Listener):
    there = make(notice(target, mute_until=datetime.now(UTC)))
    there.report("failed", "b-1")
    there.tick()
    assert there.statuses() == [("failed", "dropped", "the notice is muted")]
    assert target.posts == []


def test_equal_causes_are_one_line(make: Make, target: Listener):
    there = make(notice(target))
    for number in range(1, 10):
        there.report("failed", f"b-{number}", f"t{number}", f"no route to host 10.0.0.{number}")
    there.report("failed", "b-10", "t10", "disk is full", stage="Backup", state=80)
    there.tick()
    (row,) = there.rows("SELECT title, body FROM notice_messages")
    assert row["title"] == "✗ 10 failed (2 causes)"
    first, second, link = row["body"].splitlines()
    assert first.startswith("9 × no route to host #, at 25, AWS Commercial: rhel-9.4/t1, ")
    assert first.endswith("and 3 more")
    assert second == "✗ core/aws-commercial/rhel-9.4/t10 failed at 80, Backup: disk is full"
    assert link == "http://127.0.0.1:8080/failures"


def test_secrets_in_a_cause_are_masked(make: Make, target: Listener):
    there = make(notice(target))
    there.report("failed", "b-1", message="login failed: password=hunter2hunter2")
    there.tick()
    assert b"hunter2" not in target.posts[0].body
