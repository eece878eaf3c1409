"""Names and values that are meant to do harm where they are shown, stored or logged.

The numbers are of the project's list of bad inputs.
"""

from collections.abc import Callable
from html.parser import HTMLParser

import orjson
import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.sources.test_hostile_fields import forge
from tests.support import github_sender
from tests.support.forge_senders import gitlab, jenkins, job_hook, notification
from tests.support.senders import Json, envelope, post, shown, stage, told, verdict

Command = Callable[..., Result]
__all__ = ["forge"]  # a fixture

TEXTS = {
    "54 markup": "<script>alert(1)</script>",
    "54 attribute": "\" onmouseover=alert(1) x='",
    "56 right to left": "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "56 marks": "e" + "\N{COMBINING ACUTE ACCENT}" * 190,
    "56 emoji": "\N{GRINNING FACE}" * 200,
    "57 escape": "\x1b[2J\x1b]0;owned\x07 [red]rich[/red]",
    "58 newline": 'one\r\n{"event": "forged"}\ntwo',
    "60 SQL": "'; DROP TABLE builds; --",
    "60 formats": "%s %(name)s {0} ${x} {{7*7}} {% raw %}",
}
LINKS = ["javascript:alert(1)", "data:text/html,<script>", "JaVaScRiPt:x", "vbscript:x", "//evil"]


class Elements(HTMLParser):
    """A page's elements as a browser finds them: each tag with its attributes' names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


def whole(text: str) -> Json:
    failure = {"type": text, "message": text, "component": text, "details": {text: text}}
    names = dict.fromkeys(("project", "platform", "os_version", "image_type", "created_by"), text)
    return envelope(
        stage(text, "failed", 1, failure=failure),
        verdict("failed", 2),
        build=names,
        run_more={"commit": text, "branch": text, "url": text},
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_54_58_60_a_text_is_kept_as_it_is_and_shown_as_text(client: FlaskClient, text: str):
    assert post(client, whole(text)).status_code == 202
    assert shown(client)["states"][0]["stage"] == text.strip()
    assert shown(client)["failures"][0]["error_details"] == {text: text}
    for path in ("/", "/builds", "/builds/core-1", "/failures", "/stages", "/deliveries"):
        page = client.get(path)
        assert page.status_code == 200
        elements = Elements(page.text).found
        assert not [name for _, names in elements for name in names if name.startswith("on")]
        assert [names for tag, names in elements if tag == "script"] == [["src", "defer"]]
    feed = client.get("/feed.atom")
    assert (feed.status_code, "<script>" in feed.text) == (200, False)


@pytest.mark.parametrize("link", LINKS)
def test_55_an_address_that_is_no_web_page_is_no_link(client: FlaskClient, link: str):
    post(client, envelope(stage("Base"), run_more={"url": link}))
    page = client.get("/builds/core-1").text
    assert f'href="{link}' not in page
    assert link.partition(":")[0] in page


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_57_a_terminal_obeys_no_text(client: FlaskClient, command: Command, text: str):
    post(client, whole(text))
    for arguments in (("builds",), ("build", "core-1"), ("failures",), ("deliveries",)):
        done = command(*arguments)
        assert done.exit_code == 0, done.output
        assert "\x1b]0;" not in done.output
        assert "\x1b[2J" not in done.output
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in done.output


def test_58_a_log_line_is_one_json_object(client: FlaskClient, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    client.get('/builds/a%0a%7b"event":"forged"%7d%0d%1b[2J%e2%80%a8')
    post(client, whole(TEXTS["58 newline"]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert [orjson.loads(line)["event"] for line in lines] == ["request", "request"]
    assert all(line.isascii() for line in lines)


def test_60_the_tables_are_still_there(client: FlaskClient, url: str):
    post(client, whole(TEXTS["60 SQL"]))
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT stage FROM build_states").fetchall() == [
            (TEXTS["60 SQL"],)
        ]


def test_62_an_unknown_stage_is_stored_unmapped(client: FlaskClient):
    assert told(post(client, envelope(stage("Frobnicate"))))["outcome"] == "stored"
    state = shown(client)["states"][0]
    assert (state["state"], state["mapped"]) == (0, False)


def test_62_an_unknown_event_is_ignored(forge: FlaskClient):
    sent = [
        github_sender.send(forge, "star", {"action": "created"}),
        gitlab(forge, {"object_kind": "note"}, "Note Hook"),
        jenkins(forge, notification("ODD")),
    ]
    assert [told(each)["outcome"] for each in sent] == ["ignored"] * 3


@pytest.mark.parametrize(
    "moment",
    [None, 5, "", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-12-31T23:59:60Z", "now"],
)
def test_63_a_forges_odd_time_is_replaced_by_when_it_came(forge: FlaskClient, moment: object):
    job = github_sender.job("completed", "failure", completed_at=moment)
    sent = [
        github_sender.send(forge, "workflow_job", job),
        gitlab(forge, job_hook("failed", build_finished_at=moment, build_id=moment or 7)),
    ]
    assert all(each.status_code == 202 for each in sent)


def test_63_a_time_without_a_zone_is_utc(client: FlaskClient):
    post(client, envelope(stage("x") | {"at": "2026-01-01T10:00:00"}))
    assert shown(client)["start_time"].startswith("2026-01-01T10:00:00")
