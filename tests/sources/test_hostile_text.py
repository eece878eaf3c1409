"""Names and texts that mean harm are stored as they are, and shown as text."""

from collections.abc import Callable
from html.parser import HTMLParser

import orjson
import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.hostile_input import LINKS, TEXTS
from tests.support.senders import Json, envelope, get_build, post, stage, verdict

Command = Callable[..., Result]


class Elements(HTMLParser):
    """The elements of a page as a browser reads them: each tag with its attributes' names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, [name for name, _ in attrs]))


def everywhere(text: str) -> Json:
    """Return an envelope with the text at each place that takes one."""
    failure = {"type": text, "message": text, "component": text, "details": {text: text}}
    names = dict.fromkeys(("project", "platform", "os_version", "image_type", "created_by"), text)
    return envelope(
        stage(text, "failed", 1, failure=failure),
        verdict("failed", 2),
        build=names,
        run_more={"commit": text, "branch": text, "url": text},
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_is_stored_as_it_is_and_shown_as_text(client: FlaskClient, text: str):
    assert post(client, everywhere(text)).status_code == 202
    assert get_build(client)["states"][0]["stage"] == text.strip()
    assert get_build(client)["failures"][0]["error_details"] == {text: text}
    for path in ("/", "/builds", "/builds/core-1", "/failures", "/stages", "/deliveries"):
        page = client.get(path)
        assert page.status_code == 200
        elements = Elements(page.text).elements
        assert not [name for _, names in elements for name in names if name.startswith("on")]
        assert [names for tag, names in elements if tag == "script"] == [["src", "defer"]]
    feed = client.get("/feed.atom")
    assert (feed.status_code, "<script>" in feed.text) == (200, False)


@pytest.mark.parametrize("link", LINKS)
def test_an_address_that_is_no_web_page_is_no_link(client: FlaskClient, link: str):
    post(client, envelope(stage("Base"), run_more={"url": link}))
    page = client.get("/builds/core-1").text
    assert f'href="{link}' not in page
    assert link.partition(":")[0] in page


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_terminal_gets_no_control_sequence(client: FlaskClient, command: Command, text: str):
    post(client, everywhere(text))
    for line in ("builds", "build core-1", "failures", "deliveries"):
        done = command(*line.split())
        assert done.exit_code == 0, done.output
        assert "\x1b]0;" not in done.output
        assert "\x1b[2J" not in done.output
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in done.output


def test_a_log_line_is_one_json_object(client: FlaskClient, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    client.get('/builds/a%0a%7b"event":"forged"%7d%0d%1b[2J%e2%80%a8')
    post(client, everywhere(TEXTS["newline"]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert [orjson.loads(line)["event"] for line in lines] == ["request", "request"]
    assert all(line.isascii() for line in lines)


def test_sql_in_a_text_is_a_value(client: FlaskClient, url: str):
    post(client, everywhere(TEXTS["SQL"]))
    with psycopg.connect(url) as connection:
        stages = connection.execute("SELECT stage FROM build_states").fetchall()
    assert stages == [(TEXTS["SQL"],)]
