"""The hook settings of the local receiver, as a shell takes them."""

import json
import subprocess
from pathlib import Path

from tests.support.receivers import MILEPOST


def shell(script: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{MILEPOST.parent}:/usr/bin:/bin", "MILEPOST_DATA_DIR": str(data_dir)}
    return subprocess.run(
        ["sh", "-c", script], env=env, text=True, capture_output=True, check=False
    )


def test_eval_sets_each_value_to_the_letter(tmp_path: Path):
    (tmp_path / "secrets").mkdir()
    secret = "bearer:a secret; with $(id) and 'quotes'"
    settings = {"MILEPOST_URL": "http://127.0.0.1:8081", "MILEPOST_SECRET": secret}
    (tmp_path / "secrets" / "hook.json").write_text(json.dumps(settings))
    script = 'eval "$(milepost env)"; printf "%s\\n" "$MILEPOST_URL" "$MILEPOST_SECRET"'
    assert shell(script, tmp_path).stdout.splitlines() == list(settings.values())


def test_env_without_a_local_receiver_is_one_line_on_stderr(tmp_path: Path):
    done = shell("milepost env", tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "make run" in done.stderr
