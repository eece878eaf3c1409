"""milepost redeliver github, against a stand-in for GitHub's API over HTTP."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from receiver.cli import github_api
from receiver.cli.github_api import GitHub
from receiver.cli.main import main
from receiver.cli.redeliver import sender_of
from receiver.errors import MilepostError
from tests.support.forges import SECRETS, workflow_job
from tests.support.github_api import HOOK, TOKEN, StandIn, limited
from tests.support.receivers import MILEPOST
from tests.support.senders import proof
from tests.support.sockets import on_socket

Run = Callable[..., Result]
REPO = ("--repo", "acme/images")


@pytest.fixture
def run(github: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`milepost redeliver github`, without the pause between two requests."""
    monkeypatch.setattr(github_api, "PAUSE_SECONDS", 0.0)
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path / "none"))
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")

    def call(*arguments: str, **env: str) -> Result:
        words = ["redeliver", "github", "--token-file", str(token), "--api-url", github.url]
        known = {"MILEPOST_EXTERNAL_URL": "https://milepost.example.com"}
        return CliRunner().invoke(main, [*words, *arguments], env=known | env)

    return call


def guids(result: Result) -> dict[str, str]:
    """Return the result of each delivery that is listed."""
    assert result.exit_code == 0, result.output
    return {row["guid"]: row["result"] for row in json.loads(result.stdout)}


def test_only_what_no_try_brought_is_listed_and_nothing_is_sent(github: StandIn, run: Run):
    github.add("gone", 503)
    github.add("well", 202)
    github.add("mended", 500)
    github.add("mended", 200, again=True)
    github.add("twice", 0)
    github.add("twice", 500, again=True)
    github.add("after-all", 202)
    github.add("after-all", 500, again=True)
    result = run(*REPO, "--json")
    assert guids(result) == {"gone": "not sent", "twice": "not sent"}
    assert [row["status_code"] for row in json.loads(result.stdout)] == [503, 500]
    assert github.posts() == []
    assert "nothing was sent. Add --send" in result.stderr
    assert "no receiver was asked what it has kept" in result.stderr


def test_the_newest_try_of_each_is_sent_again_the_oldest_delivery_first(github: StandIn, run: Run):
    github.add("first", 503)
    github.add("second", 503)
    github.add("second", 503, again=True)
    first, second = github.deliveries[2]["id"], github.deliveries[0]["id"]
    assert guids(run(*REPO, "--send", "--json")) == {"first": "sent", "second": "sent"}
    assert github.posts() == [first, second]
    assert guids(run(*REPO, "--send", "--json")) == {}


def test_pages_are_read_to_the_first_delivery_before_since(github: StandIn, run: Run):
    github.page = 2
    for hours in (30, 29, 28, 26, 3, 2, 1):
        github.add(f"{hours} h", 503, hours)
    assert list(guids(run(*REPO, "--since", "4h", "--json"))) == ["3 h", "2 h", "1 h"]
    pages = [each for each in github.requests if "/deliveries" in each]
    assert [re.findall(r"cursor=(\w+)", each) for each in pages] == [[], ["v1_2"]]
    assert len(guids(run(*REPO, "--since", "3d", "--json"))) == 7


@pytest.mark.parametrize(
    ("owner", "arguments"),
    [
        ("/repos/acme/images", ("--repo", "acme/images")),
        ("/orgs/acme", ("--org", "acme")),
        ("/app", ("--app",)),
    ],
)
def test_webhooks_of_repositories_organizations_and_apps(
    github: StandIn, run: Run, owner: str, arguments: tuple[str, ...]
):
    github.owner = owner
    github.add("gone", 503)
    number = github.deliveries[0]["id"]
    assert guids(run(*arguments, "--send", "--json")) == {"gone": "sent"}
    hook = "/app/hook" if owner == "/app" else f"{owner}/hooks/{HOOK}"
    assert github.requests[-1] == f"POST {hook}/deliveries/{number}/attempts"


def test_a_webhook_is_found_by_its_number_too(github: StandIn, run: Run):
    github.hook_url = "https://tunnel.example.com/relay"
    github.add("gone", 503)
    missing = run(*REPO)
    assert missing.exit_code == 1
    assert "No webhook posts to https://milepost.example.com/webhooks/github." in missing.stderr
    assert f"{HOOK} (tunnel.example.com)" in missing.stderr
    assert "s3cret" not in missing.output
    assert guids(run(*REPO, "--hook", str(HOOK), "--json")) == {"gone": "not sent"}


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((401, {"message": "Bad credentials"}, {}), 77, "the token is wrong or has expired"),
        (
            (
                403,
                {"message": "Resource not accessible by personal access token"},
                {"X-Accepted-GitHub-Permissions": "repository_hooks=read"},
            ),
            77,
            "repository permission Webhooks",
        ),
        ((404, {"message": "Not Found"}, {}), 1, "or the token may not see it"),
        ((410, {"message": "Gone"}, {}), 1, "or the token may not see it"),
        ((422, {"message": "Validation Failed"}, {}), 1, "GitHub answers 422 (Validation Failed)"),
        ((301, {"message": "Moved Permanently"}, {}), 1, "Say its present name"),
        ((502, {"message": "Server Error"}, {}), 69, "try again"),
    ],
)
def test_a_refusal_says_what_to_change(
    github: StandIn, run: Run, answer: Any, code: int, words: str
):
    github.faults = [answer]
    result = run(*REPO)
    assert result.exit_code == code
    assert words in result.stderr
    assert TOKEN not in result.output
    asked = answer[2].get("X-Accepted-GitHub-Permissions", "")
    assert asked in result.stderr


@pytest.mark.parametrize(
    "answers",
    [
        [b"<html>a proxy</html>"],
        [[{"id": HOOK}]],
        [["no object"]],
        [{"no": "list"}],
        [[{"id": HOOK, "config": {"url": "https://milepost.example.com/webhooks/github"}}], [{}]],
        [[{"id": HOOK, "config": {"url": "https://milepost.example.com/webhooks/github"}}], [1]],
    ],
)
def test_an_answer_of_another_shape_is_no_traceback(github: StandIn, run: Run, answers: list[Any]):
    github.faults = [(200, each, {}) for each in answers]
    result = run(*REPO)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "GitHub's API?" in result.stderr


def test_the_answer_about_an_app_may_have_another_shape_too(github: StandIn, run: Run):
    github.faults = [(200, {"no": "url"}, {})]
    assert "is --api-url GitHub's API?" in run("--app").stderr


def test_a_time_without_a_zone_is_utc_and_a_page_that_follows_itself_is_the_last(
    github: StandIn, run: Run
):
    github.add("gone", 503)
    tries = [{**github.deliveries[0], "delivered_at": "2999-01-01T00:00:00"}]
    link = {"Link": '<https://api.github.com/x?per_page=100>; rel="next"'}
    github.faults = [(200, github.hook(), {}), (200, tries, link)]
    assert guids(run(*REPO, "--hook", str(HOOK), "--json")) == {"gone": "not sent"}
    assert len(github.requests) == 2


def test_a_delivery_that_github_does_not_send_again_is_named_and_the_others_go_on(
    github: StandIn, run: Run
):
    for guid in ("old", "gone"):
        github.add(guid, 503)
    refusal = limited("Validation failed, or the endpoint has been spammed.", 422)
    github.refused = {github.deliveries[1]["id"]: refusal}
    result = run(*REPO, "--send", "--json")
    assert result.exit_code == 1
    results = {row["guid"]: row["result"] for row in json.loads(result.stdout)}
    assert results["gone"] == "sent"
    assert results["old"].startswith("GitHub answers 422: Validation failed")
    assert "GitHub did not take 1 of 2" in result.stderr


def test_what_was_sent_before_an_error_is_listed(github: StandIn, run: Run):
    for guid in ("first", "second"):
        github.add(guid, 503)
    newest = github.deliveries[0]["id"]
    github.refused = {newest: limited("slow down", 429, retry_after="9999")}
    result = run(*REPO, "--send", "--json")
    assert result.exit_code == 69
    assert [row["result"] for row in json.loads(result.stdout)] == ["sent", "not sent"]


def test_the_token_never_travels_in_the_clear(tmp_path: Path):
    for base in ("http://github.example.com/api/v3", "github.example.com", "ftp://127.0.0.1"):
        with pytest.raises(MilepostError, match="--api-url must be like"):
            GitHub(base, TOKEN)
    result = CliRunner().invoke(main, ["redeliver", "github", *REPO])
    assert "--token-file" in result.output
    (tmp_path / "token").write_text("two words")
    words = ["redeliver", "github", *REPO, "--token-file", str(tmp_path / "token")]
    assert CliRunner().invoke(main, words).exit_code == 78


@pytest.mark.parametrize(
    "arguments",
    [(), ("--repo", "a/b", "--org", "c"), ("--repo", "acme"), ("--org", "a", "--since", "3")],
)
def test_wrong_arguments_are_named(run: Run, arguments: tuple[str, ...]):
    assert run(*arguments).exit_code == 2


def test_what_a_restored_database_lacks_is_told_by_a_receiver_alone(run: Run):
    result = run(*REPO, "--restored")
    assert result.exit_code == 78
    assert "--restored needs MILEPOST_URL and MILEPOST_TOKEN" in result.stderr


@pytest.mark.parametrize(
    ("path", "sender"),
    [("", ""), ("/", ""), ("/team-a", "team-a"), ("/team%20a/", "team a"), ("/team?x=1", "team")],
)
def test_the_sender_is_in_the_address_of_the_webhook(path: str, sender: str):
    assert sender_of(f"https://milepost.example.com/below/webhooks/github{path}") == sender


@pytest.fixture
def receiver(forge: FlaskClient) -> Iterator[str]:
    """The address of a receiver that takes GitHub's webhooks."""
    with on_socket(forge.application) as address:
        yield address


def test_what_a_receiver_missed_arrives_once_and_what_it_kept_is_left_out(
    github: StandIn, receiver: str, token: Callable[..., str], tmp_path: Path
):
    jobs = {f"guid-{number}": workflow_job("completed", id=number) for number in (1, 2, 3)}

    def deliver(guid: str) -> int:
        body = orjson.dumps(jobs[guid])
        headers = {"X-GitHub-Event": "workflow_job", "X-GitHub-Delivery": guid}
        headers |= proof("github", SECRETS["github"], body) | {"Content-Type": "application/json"}
        return requests.post(github.hook_url, body, headers=headers, timeout=30).status_code

    github.deliver, github.hook_url = deliver, f"{receiver}/webhooks/github"
    assert deliver("guid-1") == 202  # GitHub had no answer in time; the receiver kept it
    for guid, status in (("guid-1", 0), ("guid-2", 503), ("guid-3", 502)):
        github.add(guid, status)
    (tmp_path / "token").write_text(TOKEN)
    env = {
        "PATH": "/usr/bin:/bin",
        "MILEPOST_URL": f"{receiver}/webhooks/milepost",
        "MILEPOST_TOKEN": token("read"),
        "MILEPOST_GITHUB_TOKEN_FILE": str(tmp_path / "token"),
    }

    def results(*arguments: str) -> dict[str, str]:
        words = [str(MILEPOST), "redeliver", "github", *REPO, "--api-url", github.url, "--json"]
        done = subprocess.run([*words, *arguments], env=env, capture_output=True, check=True)
        assert b"no receiver was asked" not in done.stderr
        return {row["guid"]: row["result"] for row in json.loads(done.stdout)}

    assert results() == {"guid-1": "kept", "guid-2": "not sent", "guid-3": "not sent"}
    assert results("--send") == {"guid-1": "kept", "guid-2": "sent", "guid-3": "sent"}
    assert results("--send") == {"guid-1": "kept"}
    jobs["guid-4"] = workflow_job("completed", id=4)
    github.add("guid-4", 202)  # what a database lacks that was restored to an earlier time
    assert results() == {"guid-1": "kept"}
    assert results("--restored") == {"guid-4": "not sent"}
    assert results("--restored", "--send") == {"guid-4": "sent"}
    assert results("--restored") == {}
    rows = requests.get(f"{receiver}/api/v1/deliveries?source=github", timeout=30).json()["items"]
    assert len(rows) == 4
