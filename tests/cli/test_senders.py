"""The commands and the file of named senders: what is printed, kept private, and named as wrong."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import Result

from receiver.errors import ConfigError
from receiver.ingest.senders import Senders
from tests.support.senders import add_sender

Command = Callable[..., Result]


def test_setup_is_printed_and_the_secret_is_private(command: Command, tmp_path: Path):
    made = command("sender", "add", "team-a", "--project", "core").stdout
    for words in ("GitHub Actions", "GitLab CI", "Jenkins", "Packer", "milepost-hook check"):
        assert words in made
    kept = tmp_path / "team-a-milepost.secret"
    assert kept.read_text().strip() in made
    assert kept.stat().st_mode & 0o077 == 0
    assert (tmp_path / "senders.toml").stat().st_mode & 0o077 == 0
    (row,) = orjson.loads(command("sender", "list", "--json").stdout)
    made_row = {"name": "team-a", "source": "milepost", "projects": ["core"], "secrets": 1}
    assert row == made_row | {"place": "file", "state": "on"}
    assert kept.read_text().strip() not in command("sender", "list").stdout


def test_comments_in_the_file_survive(command: Command, tmp_path: Path):
    path = tmp_path / "senders.toml"
    path.write_text("# ours\n[[default]]\nplatform = 'aws'  # mostly\n")
    add_sender(command, "team-a")
    add_sender(command, "team-b", "--source", "github")
    assert command("sender", "remove", "team-a").exit_code == 0
    text = path.read_text()
    assert "# ours" in text
    assert "# mostly" in text
    assert "team-a" not in text
    assert "team-b" in text


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["add", "team-a"], "There is a milepost sender called team-a"),
        (["add", "../x"], "1 to 100 of A-Z"),
        (["rotate", "nobody"], "There is no sender called nobody."),
        (["remove", "nobody"], "There is no sender called nobody."),
        (["remove", "both"], "say --source"),
    ],
)
def test_a_mistake_is_named(command: Command, arguments: list[str], problem: str):
    add_sender(command, "team-a")
    for source in ("github", "gitlab"):
        add_sender(command, "both", "--source", source)
    refused = command("sender", *arguments)
    assert refused.exit_code != 0
    assert problem in refused.output


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[sender]]\nname = 'a'\nsource = 'x'\nsecret_file = 's'", "source must be one of"),
        ("[[sender]]\nsource = 'github'", "sender at line 1: name must be text"),
        (
            "\n[[sender]]\nname = 'a b'\nsource = 'github'\nsecret_file = 's'",
            "at line 2: name must be",
        ),
        ("[[sender]]\nname = 'a'\nsource = 'github'\nsecret_file = 'no'", "no cannot be read"),
        ("[[sender]]\nname = 'a'\nsource = 'github'\nsecret_file = 'empty'", "holds no secret"),
        ("[[sender]]\nname = 'a'\nsource = 'milepost'\nsecret_file = 's'", "line 1: "),
        ("[[sender]]\nname = 'a'\nsource = 'github'\nsecret_file = 't'", "shares a secret with"),
        ("[[sender]]\nname = 'a'\nkind = 1", "kind is unknown"),
        ("[[sender]]\nname = 'a'\nprojects = 'core'", "projects must be a list"),
        ("[sender]\nname = 'a'", "with two brackets"),
        ("[[senders]]\nname = 'a'", "not senders"),
        ("[[default]]\njob = '('", "default at line 1: job is no regular expression"),
        ("[[default]]\njob = '(?P<os>x)'", "names the groups ['os']"),
        ("[[default]]\nplatfrom = 'x'", "platfrom is unknown"),
        ("[[default]\n", "line 1"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(tmp_path: Path, text: str, problem: str):
    for name, secret in (("s", "plain"), ("t", "taken"), ("empty", "\n")):
        (tmp_path / name).write_text(secret)
    with pytest.raises(ConfigError) as caught:
        Senders.parse(text, "senders.toml", folder=tmp_path, taken={"gitlab": ("taken",)})
    assert problem in str(caught.value)
