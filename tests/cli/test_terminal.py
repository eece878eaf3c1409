"""The commands at a terminal that cannot print every letter."""

import subprocess

from tests.support.receivers import BIN, started
from tests.support.senders import envelope, stage


def test_terminal_without_utf_8_gets_replacements():
    with started() as receiver:
        receiver.post(envelope(stage("🔒 Härtung / レベル2"), number="b-1"))
        env = receiver.environment | {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}
        command = [str(BIN / "milepost"), "build", "b-1"]
        done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\\U0001f512 Härtung".encode("latin-1") in done.stdout
