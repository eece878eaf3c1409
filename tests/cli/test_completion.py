"""What the shell completes, and which names of a filter are unknown."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import Result
from flask.testing import FlaskClient

from receiver.cli import completion
from receiver.cli.main import main
from tests.support.api import Api
from tests.support.receivers import free_port
from tests.support.senders import envelope, post, stage

Command = Callable[..., Result]


def completed(*words: str) -> list[str]:
    """Return what is offered for the last of these words."""
    complete = ShellComplete(main, {}, "milepost", "_MILEPOST_COMPLETE")
    return [each.value for each in complete.get_completions([*words[:-1]], words[-1])]


@pytest.fixture
def asked(address: str, token: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "TIMEOUT", (10, 10))  # of a busy machine
    monkeypatch.setenv("MILEPOST_URL", address)
    monkeypatch.setenv("MILEPOST_TOKEN", token("read"))


@pytest.mark.usefixtures("asked")
def test_numbers_and_names_are_completed():
    assert completed("build", "") == ["bad", "good"]
    assert completed("cancel", "g") == ["good"]
    assert completed("builds", "--platform", "aws") == ["aws-commercial"]
    assert completed("images", "aws-commercial", "rhel") == ["rhel-8.8"]
    assert completed("rename", "image-type", "ha") == ["hana"]


def test_senders_are_completed_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "senders.toml"
    file.write_text('[[sender]]\nname = "team-a"\nsource = "milepost"\nsecret_file = "a"\n')
    monkeypatch.setenv("MILEPOST_SENDERS", str(file))
    assert completed("sender", "remove", "") == ["team-a"]


def test_a_receiver_that_is_away_offers_nothing_and_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path))
    for url, token in (("", ""), (f"http://127.0.0.1:{free_port()}", "t"), ("no address", "t")):
        monkeypatch.setenv("MILEPOST_URL", url)
        monkeypatch.setenv("MILEPOST_TOKEN", token)
        assert completed("build", "core") == completed("builds", "--platform", "a") == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("filled")
def test_a_name_that_nothing_has_is_named(command: Command):
    for arguments in (("builds", "--platform", "nope"), ("images", "nope")):
        said = command(*arguments)
        assert (said.exit_code, said.stderr) == (0, "milepost: platform nope is unknown\n")
    known = command("builds", "--os-version", "rhel-8.8", "--project", "core")
    assert (known.exit_code, known.stderr) == (0, "")


@pytest.mark.usefixtures("filled")
def test_a_merge_with_an_unknown_name_ends_before_it_asks(command: Command):
    for old, into in (("nope", "aws-commercial"), ("aws-commercial", "nope")):
        said = command("merge", "platform", old, into)
        assert said.exit_code == 1
        assert said.stderr == "Error: platform nope is unknown. Nothing was changed.\n"


def test_what_another_project_has_is_unknown_to_a_token_of_one(client: FlaskClient, api: Api):
    for project, platform in (("core", "aws"), ("data", "secret-cloud")):
        post(
            client,
            envelope(
                stage("Base"),
                number=project,
                run=project,
                build={"project": project, "platform": platform},
            ),
        )
    headers = {"Authorization": f"Bearer {api.token('read', '--project', 'core')}"}
    for path in ("builds", "images"):
        for name in ("secret-cloud", "nope"):
            answer = client.get(f"/api/v1/{path}?platform={name}", headers=headers).get_json()
            assert answer["unknown"] == [f"platform {name} is unknown"]
        answer = client.get(f"/api/v1/{path}?platform=aws", headers=headers).get_json()
        assert answer["unknown"] == []
