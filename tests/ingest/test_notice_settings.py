"""The file of notices: who is told of what, every mistake with its line, and no address in it."""

import io
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from receiver.config import Config
from receiver.domain.notices.notice import SETTLE, Notice
from receiver.errors import ConfigError
from receiver.ingest.notice_settings import NoticeSettings
from receiver.ingest.rules import Rules
from tests.support.senders import SECRET

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
FILE = f"""
[[notice]]
name = "night"
on = ["failed", "recovered", "digest"]
project = "core*"
owner = "Core team"
to = ["{SLACK}", "mailto://user:pass@mail.example.com?to=a@example.com"]
settle = "0s"
digest = "07:00 Europe/Berlin"
mute_until = 2026-12-24T08:00:00+01:00

[[notice]]
name = "program"
on = ["completed"]
to = ["https://hooks.example.com/milepost", "http://127.0.0.1:9/x"]
secret = "{SECRET}"
"""
GOOD = '[[notice]]\nname = "x"\non = ["failed"]\n'


def settings(text: str = FILE, folder: Path = Path()) -> NoticeSettings:
    return NoticeSettings.parse(text, "notices.toml", folder)


def night() -> Notice:
    found = settings().find("night")
    assert found
    return found


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        settings(text)
    return raised.value.problems


def test_notice_has_what_the_file_says():
    notice, program = night(), settings().find("program")
    assert notice.on == {"failed", "recovered", "digest"}
    assert [target.kind for target in notice.targets] == ["slack", "mailto"]
    assert notice.settle == timedelta(0)
    assert notice.is_muted(datetime(2026, 12, 24, 6, 59, tzinfo=UTC))
    assert not notice.is_muted(datetime(2026, 12, 24, 7, 0, tzinfo=UTC))
    assert program
    assert (program.settle, program.secrets) == (SETTLE, (SECRET,))
    assert all(target.is_web for target in program.targets)
    assert settings().types == {"failed", "recovered", "digest", "completed"}


def test_patterns_fit_the_project_or_one_above_it_and_the_owner():
    notice = night()
    assert notice.fits({"project": "core", "owner": "Core team"})
    assert notice.fits({"project": "web", "owner": "Core team"}, ["web", "core"])
    assert not notice.fits({"project": "web", "owner": "Core team"}, ["web"])
    assert not notice.fits({"project": "core", "owner": None})
    assert not notice.fits({"project": None, "owner": "Core team"})


def test_notice_without_patterns_is_of_every_image():
    program = settings().find("program")
    assert program
    assert program.fits({"project": None, "platform": "unknown"})


def test_digest_is_due_at_the_same_time_of_day_when_clocks_change():
    digest = night().digest
    assert digest
    before = datetime(2026, 10, 24, 5, 0, tzinfo=UTC)  # exactly 07:00 in summer time
    first = digest.after(before)
    assert first == datetime(2026, 10, 25, 6, 0, tzinfo=UTC)
    assert digest.after(first) == datetime(2026, 10, 26, 6, 0, tzinfo=UTC)


def test_addresses_and_secrets_are_read_from_files(tmp_path: Path):
    (tmp_path / "chat").write_text(f"# the team's channel\n{SLACK}\n")
    (tmp_path / "key").write_text(f"{SECRET}\n")
    text = GOOD + 'to_file = "chat"\nto = ["https://a.example"]\nsecret_file = "key"\n'
    (notice,) = settings(text, tmp_path).notices
    assert [target.address for target in notice.targets] == ["https://a.example", SLACK]
    assert notice.secrets == (SECRET,)


def test_no_address_or_secret_is_in_what_is_printed():
    shown = repr(settings())
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in shown
    assert "user:pass" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[notice]\n", "line 1: write [[notice]] with two brackets"),
        ("[[note]]\n", "line 1: write [[notice]], not note"),
        (GOOD, "line 1: to is missing"),
        (GOOD + 'to = "slack://x"', "line 4: to must be a list of texts"),
        (GOOD + 'to = ["slack://bad"]', "line 4: to, entry 1, is no slack:// address that"),
        (GOOD + 'to = ["nobody"]', "line 4: to, entry 1, must be an address such as slack://"),
        (GOOD + 'to = ["msteams://a/b"]', "line 4: to, entry 1, is a msteams:// address: Micro"),
        (GOOD + 'to = ["https://a.example"]', "line 1: an https:// target needs secret or"),
        (
            GOOD + f'to = ["http://a.example"]\nsecret = "{SECRET}"',
            "line 4: to, entry 1, is http://: write https://",
        ),
        (
            GOOD + 'to = ["https://a.example"]\nsecret = "bearer:0123456789"',
            "line 5: secret must be 'whsec_'",
        ),
        (GOOD + 'to_file = "none"', "line 4: to_file none cannot be read"),
        (GOOD + f'to = ["{SLACK}"]\nsettle = "15"', "line 5: settle must be a time with its unit"),
        (GOOD + f'to = ["{SLACK}"]\nmute_until = 2026-01-01', "line 5: mute_until must be a time"),
        (GOOD + f'to = ["{SLACK}"]\ndigest = "07:00"', "line 5: digest must be a time and a time"),
        (
            GOOD + f'to = ["{SLACK}"]\ndigest = "07:00 Mars/Base"',
            "line 5: digest names the time zone Mars/Base",
        ),
        (GOOD + f'to = ["{SLACK}"]\ndigest = "07:00 UTC"', 'line 1: a digest needs both "digest"'),
        (GOOD + f'to = ["{SLACK}"]\nchannel = "x"', "line 5: channel is unknown; known are name,"),
        (f'[[notice]]\non = ["late"]\nto = ["{SLACK}"]', "line 1: name is missing"),
        (
            f'[[notice]]\nname = "x"\non = ["broken"]\nto = ["{SLACK}"]',
            "line 3: on must be a list of some of failed, recovered",
        ),
        (
            f'{GOOD}to = ["{SLACK}"]\n{GOOD}to = ["{SLACK}"]',
            "line 5: there are two notices called x",
        ),
    ],
)
def test_mistake_is_named_with_its_line_and_without_the_address(text: str, problem: str):
    (found,) = problems(text)
    assert found.startswith("notices.toml, ")
    assert problem in found
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in found


def test_without_the_library_the_file_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    (found,) = problems(GOOD + f'to = ["{SLACK}"]')
    assert "milepost[notices]" in found
    web = GOOD + f'to = ["https://a.example"]\nsecret = "{SECRET}"'
    assert settings(web).notices, "a web address needs no library"


def test_library_writes_no_address_to_the_log():
    written = io.StringIO()  # pytest's own capture also listens to loggers that pass nothing on
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    try:
        assert problems(GOOD + 'to = ["slack://secret-token"]')
    finally:
        logging.getLogger().removeHandler(handler)
    assert "secret-token" not in written.getvalue()


def test_broken_edit_leaves_the_last_good_notices(tmp_path: Path):
    path = tmp_path / "notices.toml"
    path.write_text(FILE)
    rules = Rules.load(Config(data_dir=tmp_path, notices=path))
    path.write_text("[[notice")
    os.utime(path, ns=(1, 1))
    assert rules.notices().find("night")
    assert "notices" in rules.problems()


def test_doctor_names_the_mistakes_of_the_file(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "notices.toml"
    path.write_text(GOOD + f'to = ["{SLACK}"]\nsettle = 15\n')
    monkeypatch.setenv("MILEPOST_NOTICES", str(path))
    result = command("doctor")
    assert "notices.toml, line 5: settle must be a time with its unit" in result.output
    assert result.exit_code == 1
