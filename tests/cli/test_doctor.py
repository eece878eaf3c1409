"""`milepost doctor`: nothing about what is right, and each thing that is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from receiver.cli.main import main
from tests.support.senders import add_sender

Command = Callable[..., Result]


def test_the_doctor_finds_nothing_wrong_with_what_is_right(command: Command):
    add_sender(command, "team-a")
    found = command("doctor")
    assert found.exit_code == 0, found.output
    assert "✓ schema" in found.stdout
    assert "! sender: milepost team-a was never heard" in found.stdout


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"MILEPOST_SECRET_GITHUB": "same", "MILEPOST_SECRET_GITLAB": "same"}, "share a secret"),
        ({"MILEPOST_EXTERNAL_URL": "ftp://x"}, "must be as https://"),
        ({}, "nobody can post"),
        ({"MILEPOST_NONSENSE": "1", "MILEPOST_SECRET_GITHUB": "x"}, "not a setting"),
        (
            {"DATABASE_URL": "postgresql://127.0.0.1:9/none", "MILEPOST_SECRET_GITHUB": "x"},
            "✗ database",
        ),
    ],
)
def test_the_doctor_says_what_is_wrong(url: str, tmp_path: Path, env: dict[str, str], problem: str):
    known = {"DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path)} | env
    found = CliRunner().invoke(main, ["doctor"], env=known)
    assert problem in found.output
    assert found.exit_code == (0 if "NONSENSE" in str(env) else 1)
