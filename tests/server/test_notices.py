"""Who is told of what, and when: from a delivery to the request that a target gets."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from receiver.config import Config
from tests.support import forges
from tests.support.listeners import Listener, Page, listening
from tests.support.notices import Telling, notice, telling
from tests.support.senders import OTHER_SECRET, SECRET, manifest

Make = Callable[..., Telling]


@pytest.fixture
def target() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def make(config: Config, tmp_path: Path) -> Iterator[Make]:
    """Make a receiver with a file of notices."""
    opened = []

    def start(text: str, projects: str = "") -> Telling:
        opened.append(telling(config, tmp_path, text, projects))
        return opened[-1].__enter__()

    yield start
    for each in opened:
        each.__exit__(None, None, None)


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


def test_message_is_tried_again_with_the_same_id_until_it_is_taken(make: Make, target: Listener):
    target.statuses = [500, 503, 204]
    there = make(notice(target))
    there.report("failed", "b-1")
    for _ in range(3):
        there.tick()
        there.tick(seconds=1)
        there.now += timedelta(minutes=2)
    assert len(target.posts) == 3
    assert len({post.headers["webhook-id"] for post in target.posts}) == 1
    (row,) = there.rows("SELECT tries, problem, sent_at FROM notice_messages")
    assert (row["tries"], row["problem"]) == (3, None)
    assert row["sent_at"]


def test_message_is_given_up_after_a_day_and_a_gone_target_at_once(make: Make, target: Listener):
    target.statuses = [500]
    there = make(notice(target))
    there.report("failed", "b-1")
    there.tick()
    there.tick(hours=25)
    (row,) = there.rows("SELECT tries, problem, given_up_at FROM notice_messages")
    assert row["problem"] == "it answered 500"
    assert row["given_up_at"]
    target.statuses = [410]
    there.report("failed", "b-2")
    there.tick(hours=1)
    row = there.rows("SELECT * FROM notice_messages ORDER BY created_at DESC")[0]
    assert (row["tries"], row["problem"]) == (1, "it answered 410")
    assert row["given_up_at"]


def test_redirects_are_not_followed(make: Make, target: Listener):
    with listening() as other:
        target.statuses = [Page(302, b"", {"Location": f"{other.url}/else"})]
        there = make(notice(target))
        there.report("failed", "b-1")
        there.tick()
        assert other.posts == []
    (row,) = there.rows("SELECT problem FROM notice_messages")
    assert row["problem"] == "it answered 302, and redirects are not followed"


def test_a_target_that_is_away_holds_up_no_other(make: Make, target: Listener):
    gone = 'to = ["http://127.0.0.1:1/x"]'
    text = notice(target, "there") + notice(target, "gone").replace(
        f'to = ["{target.url}/gone"]', gone
    )
    there = make(text)
    there.report("failed", "b-1")
    there.tick()
    assert len(target.posts) == 1
    rows = there.rows("SELECT notice, problem FROM notice_messages WHERE sent_at IS NULL")
    assert [(row["notice"], row["problem"]) for row in rows] == [("gone", "no connection")]


def test_what_a_receiver_claimed_and_never_noted_is_sent_again(make: Make, target: Listener):
    there = make(notice(target))
    there.report("failed", "b-1")
    there.tick()
    until = there.now + timedelta(minutes=3)
    with there.services.database.transaction() as connection:  # as if it had died after sending
        connection.execute("UPDATE notice_messages SET sent_at = NULL, claimed_until = %s", [until])
    there.tick(minutes=1)
    assert len(target.posts) == 1
    there.tick(minutes=3)
    assert len(target.posts) == 2
    assert len({post.headers["webhook-id"] for post in target.posts}) == 1


def test_messages_of_a_notice_that_is_no_longer_in_the_file_are_given_up(
    make: Make, target: Listener
):
    target.statuses = [500]
    there = make(notice(target))
    there.report("failed", "b-1")
    there.tick()
    there.file.write_text("")
    there.tick(minutes=5)
    (row,) = there.rows("SELECT problem, given_up_at FROM notice_messages")
    assert row["problem"] == "the notice or its address is no longer in the file"
    assert row["given_up_at"]


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


def digest_of(there: Telling) -> str:
    (row,) = there.rows(
        "SELECT title, body FROM notice_messages ORDER BY created_at DESC, id DESC LIMIT 1"
    )
    return f"{row['title']}\n{row['body']}"


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


def test_what_was_told_is_kept_for_180_days(make: Make, target: Listener):
    there = make(notice(target))
    there.report("failed", "b-1")
    there.tick()
    there.tick(days=179)
    assert len(there.rows("SELECT 1 AS one FROM notice_messages")) == 1
    there.tick(days=2)
    assert there.rows("SELECT 1 AS one FROM notices") == []
    assert there.rows("SELECT 1 AS one FROM notice_messages") == []


def test_title_is_one_line(make: Make, target: Listener):
    there = make(notice(target))
    there.report("failed", "b-1", stage="Base\nBcc: nobody@example.com")
    there.tick()
    (row,) = there.rows("SELECT title FROM notice_messages")
    assert row["title"].splitlines() == [row["title"]]
