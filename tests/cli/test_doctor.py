"""`milepost doctor`: a finding for each mistake."""

import os
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


def test_a_key_that_does_not_decrypt_a_senders_secret_is_a_finding(url: str, tmp_path: Path):
    for name in ("key", "wrong"):
        (tmp_path / name).write_bytes(os.urandom(32))
    known = {"DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path)}

    def run(*arguments: str, key: str) -> Result:
        env = known | {"MILEPOST_KEY_FILE": str(tmp_path / key)}
        return CliRunner().invoke(main, arguments, env=env)

    assert run("sender", "add", "team-a", key="key").exit_code == 0
    right = run("doctor", key="key")
    assert right.exit_code == 0, right.output
    assert "back it up apart from the database" in right.stdout
    for key, problem in (("wrong", "No key here decrypts"), ("absent", "cannot be read")):
        found = run("doctor", key=key)
        assert found.exit_code == 1
        assert problem in found.stdout
        assert "✗ sender: milepost team-a" in found.stdout
        assert "milepost sender rotate team-a" in found.stdout
