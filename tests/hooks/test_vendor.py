"""The hook kept in a repository or in a runner's image."""

import hashlib
import subprocess
import sys
from pathlib import Path

from receiver.web.hook_file import FILE, SHELL_FILE
from tests.hooks.test_github_action import Runner
from tests.support.spools import NO_RECEIVER, hook, settings, spooled


def vendor(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(FILE), "vendor", str(folder)]
    return subprocess.run(command, text=True, capture_output=True, check=False)


def test_both_hooks_are_written_with_their_digests(tmp_path: Path):
    done = vendor(tmp_path / "tools")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    for (digest, path), file in zip(lines, (FILE, SHELL_FILE), strict=True):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
        assert Path(path).read_bytes() == file.read_bytes()
        assert Path(path).stat().st_mode & 0o111


def test_job_with_a_hook_of_its_own_keeps_its_reports_while_the_receiver_is_away(tmp_path: Path):
    vendor(tmp_path / "tools")
    job = Runner(tmp_path, PATH=f"{tmp_path / 'tools'}:/usr/local/bin:/usr/bin:/bin")
    job.env["MILEPOST_SPOOL_DIR"] = str(tmp_path / "spool")
    (done,) = job.use(url=NO_RECEIVER, secret="bearer:x", build_number="kept")
    assert (done.returncode, done.stderr) == (0, "")
    job.run("milepost-hook stage Storage")
    job.use(status="success")
    kinds = [document["events"][0]["kind"] for document in spooled(tmp_path / "spool")]
    assert kinds == ["stage", "build"]


def test_installed_package_has_no_file_to_keep(tmp_path: Path):
    done = hook(settings(tmp_path, NO_RECEIVER), "vendor", str(tmp_path / "tools"))
    assert (
        done.stderr == "milepost: vendor works from the one file that a receiver serves at /hook\n"
    )
    assert not (tmp_path / "tools").exists()
