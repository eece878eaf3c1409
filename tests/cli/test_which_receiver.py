"""Commands say which receiver or database answers, use the one that runs, and create none."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from receiver.cli.main import main
from tests.torture.machine import Receiver, until

NO_DATA = (
    ["builds"],
    ["build", "core-1"],
    ["token", "list"],
    ["audit"],
    ["backup", "new.dump"],
    ["prune", "--older-than", "30d"],
    ["rename", "platform", "a", "b"],
    ["routes", "suggest"],
    ["replay", "--quarantined"],
    ["db", "url"],
    ["migrate", "--check"],
)


@pytest.fixture
def receiver(url: str, tmp_path: Path) -> Iterator[Receiver]:
    """A receiver that is not started yet."""
    made = Receiver(tmp_path, url)
    yield made
    made.stop()


def run(*arguments: str, **env: str) -> Result:
    return CliRunner().invoke(main, arguments, env=env)


@pytest.mark.parametrize("arguments", NO_DATA, ids=" ".join)
def test_a_command_makes_no_database(arguments: list[str], tmp_path: Path):
    folder = tmp_path / "none"
    result = run(*arguments, MILEPOST_DATA_DIR=str(folder))
    assert result.exit_code == 1
    assert f"There is no data in {folder}: start a receiver with `make run`" in result.stderr
    assert not folder.exists()


def test_doctor_makes_no_database(tmp_path: Path):
    folder = tmp_path / "none"
    assert "There is no data in" in run("doctor", MILEPOST_DATA_DIR=str(folder)).output
    assert not folder.exists()


def test_a_command_says_that_it_does_not_ask_the_receiver(url: str):
    env = {"DATABASE_URL": url, "MILEPOST_URL": "https://ada:secret@far.example.com/webhooks/x"}
    assert (
        run("builds", **env).stderr
        == "milepost: this is DATABASE_URL, not the receiver at far.example.com (MILEPOST_URL)\n"
    )
    assert run("builds", DATABASE_URL=url).stderr == ""


def test_a_command_says_nothing_of_the_receiver_that_runs_on_its_database(receiver: Receiver):
    receiver.start()
    assert receiver.run("sender", "list", MILEPOST_URL=receiver.url).stderr == ""
    other = receiver.run("sender", "list", MILEPOST_URL="http://127.0.0.1:1")
    assert "not the receiver at 127.0.0.1" in other.stderr


def test_a_receiver_leaves_its_address_and_takes_it_away(receiver: Receiver):
    note = receiver.folder / "data" / "receiver.json"
    receiver.start()
    assert json.loads(note.read_text())["url"] == receiver.url
    receiver.stop()
    assert not note.exists()


def test_the_lines_of_a_new_sender_name_the_receiver_that_runs(receiver: Receiver):
    receiver.start()
    assert f"{receiver.url}/webhooks/milepost/a" in receiver.run("sender", "add", "a").stdout
    own = {"MILEPOST_EXTERNAL_URL": "https://milepost.example.com"}
    assert "https://milepost.example.com/" in receiver.run("sender", "add", "b", **own).stdout


def test_doctor_judges_the_receiver_that_runs_and_not_the_shell(receiver: Receiver):
    shell = {"MILEPOST_DATA_DIR": receiver.environment["MILEPOST_DATA_DIR"]}
    receiver.start()
    found = run("doctor", **shell)
    assert f"✓ receiver: {receiver.url} answers, release" in found.output
    assert "✓ secrets: on: " in found.output
    assert "nobody can post" not in found.output
    assert "Set DATABASE_URL as it has it" in found.output
    assert found.exit_code == 0
    routes = Path(receiver.environment["MILEPOST_ROUTES"])
    routes.write_text("[[[")
    broken = run("doctor", **shell)
    assert "✗ receiver: " in broken.output
    assert "✗ routes: routes.toml: " in broken.output
    assert broken.exit_code == 1
    receiver.signal(signal.SIGKILL)
    receiver.wait(10)
    until(lambda: receiver.status("/livez") is None, 20, "its workers end")
    assert f"✗ receiver: none answers at {receiver.url}" in run("doctor", **shell).output


def test_the_demo_stops_with_one_line_where_its_reports_are_refused(receiver: Receiver):
    receiver.start()
    secrets = receiver.folder / "data" / "secrets"
    secrets.mkdir()
    wrong = {"MILEPOST_URL": "http://127.0.0.1:1", "MILEPOST_SECRET": f"bearer:{'x' * 40}"}
    (secrets / "hook.json").write_text(json.dumps(wrong))
    done = receiver.run("demo", HOME=str(receiver.folder))
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"Error: The receiver at {receiver.url} refuses the demo's reports: "
    )
    assert (done.stderr.count("\n"), done.stdout) == (1, "")
