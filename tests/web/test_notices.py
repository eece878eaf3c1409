"""/notices, its twin in the API and on the command line: who sees what, and no address in it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from standardwebhooks import Webhook

from receiver.config import Config
from receiver.settings.data_directory import ReceiverNote
from tests.support.api import Api
from tests.support.listeners import Listener, listening
from tests.support.notices import Telling, notice, telling
from tests.support.senders import SECRET, Json


@pytest.fixture
def target() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def there(config: Config, tmp_path: Path, target: Listener) -> Iterator[Telling]:
    """A receiver that has told of one failure in vain, and waits with another."""
    target.statuses = [500]
    closed = replace(config, public_read=False)
    text = notice(target, on=["failed", "recovered", "digest"], digest="07:00 UTC")
    with telling(closed, tmp_path, text) as made:
        made.report("failed", "b-1", message="token=abcdefgh12345678 is wrong")
        made.tick()
        made.report("failed", "b-2", "hana", image={"project": "web"})
        made.tick(minutes=1)
        made.tick(hours=6)
        yield made


@pytest.fixture
def api(there: Telling, token: Callable[..., str]) -> Api:
    return Api(there.client, token)


def items(api: Api, query: str = "", **more: Any) -> list[Json]:
    answer = api.send("GET", f"/notices{query}", scope="read", **more)
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["items"])


def test_api_lists_what_was_told_what_waits_and_why(api: Api):
    digest, second, first = items(api)
    assert (first["notice"], first["type"], first["state"]) == ("night", "failed", "sending")
    assert first["image"]["image_type"] == "base"
    (message,) = first["messages"]
    assert (message["kind"], message["problem"]) == ("http", "it answered 500")
    assert message["next_at"]
    assert (second["build_number"], digest["type"]) == ("b-2", "digest")
    assert [each["type"] for each in items(api, "?type=digest")] == ["digest"]
    assert items(api, "?state=sent") == []


def test_token_of_a_project_sees_its_own_alone(api: Api):
    assert [each["build_number"] for each in items(api, project="web")] == ["b-2"]
    page = api.client.get(
        "/notices", headers={"Authorization": f"Bearer {api.token('read', '--project', 'web')}"}
    )
    assert "b-2" in page.text
    assert "b-1" not in page.text
    assert "images fail" not in page.text, "a digest is of every project"


def test_without_a_token_nothing_is_shown(there: Telling):
    assert there.client.get("/notices").status_code == 401
    assert there.client.get("/api/v1/notices").status_code == 401


def test_page_shows_names_and_problems_and_no_address_or_secret(api: Api, target: Listener):
    headers = {"Authorization": f"Bearer {api.token('admin')}"}
    page = api.client.get("/notices", headers=headers)
    assert page.status_code == 200
    assert "it answered 500" in page.text
    for text in (page.text, api.client.get("/notices.json", headers=headers).text):
        assert str(target.server_port) not in text
        assert "abcdefgh12345678" not in text
        assert SECRET not in text


def test_undelivered_messages_are_counted(api: Api, there: Telling):
    headers = {"Authorization": f"Bearer {api.token('read')}"}
    page = api.client.get("/metrics", headers=headers)
    undelivered = there.rows(
        "SELECT count(*) AS count FROM notice_messages WHERE sent_at IS NULL AND tries > 0"
    )
    assert f"milepost_notices_undelivered {float(undelivered[0]['count'])}" in page.text
    assert undelivered[0]["count"] > 0


def test_command_lists_notices(there: Telling, command: Callable[..., Result]):
    assert there.rows("SELECT 1 AS one FROM notices")
    rows = json.loads(command("notices", "--json").stdout)
    assert [row["type"] for row in rows] == ["digest", "failed", "failed"]
    table = command("notices", "--type", "failed").stdout
    assert "http: it answered 500" in table


def test_command_sends_a_signed_test_message(
    command: Callable[..., Result],
    tmp_path: Path,
    target: Listener,
    monkeypatch: pytest.MonkeyPatch,
):
    path = tmp_path / "mine.toml"
    path.write_text(notice(target))
    monkeypatch.setenv("MILEPOST_NOTICES", str(path))
    assert command("notice", "test", "night").stdout == "http: sent\n"
    (post,) = target.posts
    assert Webhook(SECRET).verify(post.body, post.headers)
    assert post.document["type"] == "test"
    assert post.document["url"] == "http://127.0.0.1:8080/notices"  # as nothing else is known
    ReceiverNote("http://127.0.0.1:18123", "1", (), {}, external=True).write(tmp_path)
    assert command("notice", "test", "night").stdout == "http: sent\n"
    assert target.posts[1].document["url"] == "http://127.0.0.1:18123/notices"
    target.statuses = [403]
    refused = command("notice", "test", "night")
    assert (refused.exit_code, refused.stdout) == (1, "http: it answered 403\n")
    unknown = command("notice", "test", "day")
    assert "none that is called day" in unknown.stderr
