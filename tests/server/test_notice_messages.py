"""The outbox: tries, what is given up, and how long messages are kept."""

from datetime import timedelta

from tests.support.listeners import Listener, Page, listening
from tests.support.notices import Make, notice


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
