"""`milepost doctor`: a finding for each mistake."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from receiver.cli.main import main
from tests.support.senders import add_sender

Command = Callable[..., Result]


def test_a_right_installation_has_no_bad_finding(command: Command):
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
def test_a_wrong_setting_is_a_finding(url: str, tmp_path: Path, env: dict[str, str], problem: str):
    known = {"DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path)} | env
    found = CliRunner().invoke(main, ["doctor"], env=known)
    assert problem in found.output
    assert found.exit_code == (0 if "NONSENSE" in str(env) else 1)
