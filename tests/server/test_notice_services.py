"""Chat and mail as services get them: the real library, a local Slack, a local mail server."""

import io
import logging
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

import orjson
import pytest
from aiosmtpd.controller import Controller

from receiver.config import Config
from tests.support.notices import Service, Telling, chat_service, telling
from tests.support.receivers import free_port

TOKEN = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


class Mailbox:
    """Keeps each mail that arrives."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(  # noqa: N802  # the name that the server calls
        self, _server: object, _session: object, envelope: object
    ) -> str:
        """Take a mail (https://aiosmtpd.aio-libs.org/en/latest/handlers.html)."""
        self.mails.append(envelope.content)  # type: ignore[attr-defined]
        return "250 OK"


@pytest.fixture
def slack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Slack, as far as this process knows: the library's requests go through a local proxy."""
    with chat_service(tmp_path, "hooks.slack.com") as (service, trusted):
        monkeypatch.setenv("HTTPS_PROXY", service.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        yield service


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the logs of this process say, at the finest level."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def to(address: str) -> str:
    return f'[[notice]]\nname = "night"\non = ["failed"]\nto = ["{address}"]\n'


def fail(there: Telling) -> None:
    there.report("failed", "b-1", message="no route to host <10.0.0.7>")
    there.tick()


def test_slack_gets_title_and_text_without_markup(config: Config, tmp_path: Path, slack: Service):
    with telling(config, tmp_path, to(f"slack://{TOKEN}")) as there:
        fail(there)
        assert there.rows("SELECT sent_at IS NOT NULL AS sent FROM notice_messages")[0]["sent"]
    ((path, body),) = slack.posts
    assert path == f"hooks.slack.com/services/{TOKEN}"
    (attachment,) = orjson.loads(body)["attachments"]
    assert attachment["title"] == (
        "✗ core/aws-commercial/rhel-9.4/base failed at 25, Security baseline"
    )
    assert attachment["text"].splitlines()[0] == "no route to host &lt;10.0.0.7&gt;"
    assert attachment["color"] == "#A32037"
    assert b"caronc" not in body, "no picture from elsewhere"
    assert attachment["text"].splitlines()[-1] == "http://127.0.0.1:8080/builds/b-1"


def test_refusal_is_told_without_the_address(
    config: Config,
    tmp_path: Path,
    slack: Service,
    log: io.StringIO,
    capfd: pytest.CaptureFixture[str],
):
    slack.answer = (404, b"no_service")
    with telling(config, tmp_path, to(f"slack://{TOKEN}")) as there:
        fail(there)
        (row,) = there.rows("SELECT * FROM notice_messages")
    assert row["problem"] == "it answered 404"
    written = capfd.readouterr().out
    assert "notice not sent" in written
    for text in (str(row), written, log.getvalue()):
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in text


def test_mail_has_the_title_as_its_subject(config: Config, tmp_path: Path):
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        address = f"mailto://127.0.0.1:{server.port}?from=ci@example.com&to=team@example.com"
        with telling(config, tmp_path, to(f"{address}&mode=insecure")) as there:
            fail(there)
            assert there.rows("SELECT problem FROM notice_messages") == [{"problem": None}]
    finally:
        server.stop()
    (mail,) = mailbox.mails
    message = message_from_bytes(mail)
    assert str(make_header(decode_header(message["Subject"]))).startswith("✗ core/aws-com")
    assert "team@example.com" in message["To"]
    part = next(each for each in message.walk() if each.get_content_maintype() == "text")
    text = part.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "no route to host" in text.decode()


def test_a_mail_server_that_is_away_is_no_connection(
    config: Config, tmp_path: Path, log: io.StringIO
):
    address = (
        f"mailto://user:hunter2pass@127.0.0.1:{free_port()}?from=ci@example.com&to=a@example.com"
    )
    address += "&mode=insecure"
    with telling(config, tmp_path, to(address)) as there:
        fail(there)
        (row,) = there.rows("SELECT * FROM notice_messages")
    assert row["problem"] == "no connection"
    assert "hunter2pass" not in str(row) + log.getvalue()
