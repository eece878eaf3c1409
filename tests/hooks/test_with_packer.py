"""Both hooks with a real Packer, a real shell and a real receiver."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from receiver.cli.demo_receiver import Receiver as DemoReceiver
from receiver.cli.demo_receiver import decide
from tests.support import ROOT
from tests.support.receivers import BIN, Running

SH = ROOT / "hooks" / "milepost-hook.sh"


def run(
    receiver: Running, folder: Path, *command: str | Path, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(folder),
        "CHECKPOINT_DISABLE": "1",
        "MILEPOST_URL": receiver.url,
        "MILEPOST_SECRET": receiver.secrets["milepost"],
        **more,
    }
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, check=False
    )


def listed(receiver: Running) -> list[dict[str, object]]:
    answer = requests.get(f"{receiver.url}/api/v1/builds?limit=100", timeout=30)
    builds: list[dict[str, object]] = answer.json()["items"]
    return builds


def test_three_sources_of_one_template_are_three_builds(receiver: Running, tmp_path: Path):
    template = ROOT / "hooks" / "packer" / "milepost.pkr.hcl"
    done = run(receiver, tmp_path, "packer", "build", template, MILEPOST_PROJECT="three")
    assert done.returncode == 0, done.stdout
    builds = [build for build in listed(receiver) if build["project"] == "three"]
    assert sorted(str(build["platform"]) for build in builds) == ["file", "null", "null"]
    assert {build["status"] for build in builds} == {"completed"}
    details = [receiver.build(str(build["build_number"])) for build in builds]
    assert all([row["state"] for row in build["states"]] == [15, 25] for build in details)
    assert all(len(build["packer_manifest"]["builds"]) == 1 for build in details)
    assert all(len(build["artifacts"]) == 1 for build in details)


def test_failed_build_that_runs_again_is_two_attempts(receiver: Running, tmp_path: Path):
    template = ROOT / "hooks" / "packer" / "milepost.json"
    number = {"MILEPOST_BUILD_NUMBER": "retried"}
    failing = run(receiver, tmp_path, "packer", "build", "-var", "fail=yes", template, **number)
    assert failing.returncode == 1, failing.stdout
    failed = receiver.build("retried")
    assert (failed["status"], failed["current_state"]) == ("failed", 25)
    assert failed["resume"]["state"] == 25
    assert run(receiver, tmp_path, "packer", "build", template, **number).returncode == 0
    build = receiver.build("retried")
    assert (build["status"], build["current_state"], build["attempt"]) == ("completed", 100, 2)
    assert [(row["attempt"], row["status"]) for row in build["states"]] == [
        (1, "completed"),
        (1, "failed"),
        (2, "completed"),
        (2, "completed"),
    ]
    assert len(build["failures"]) == 1


def test_installed_hook_reports_and_checks(receiver: Running, tmp_path: Path):
    number = {"MILEPOST_BUILD_NUMBER": "hook"}
    for arguments in (["stage", "Storage"], ["fail", "no disk"], ["done", "--status", "failure"]):
        done = run(receiver, tmp_path, "milepost-hook", *arguments, "--strict", **number)
        assert (done.returncode, done.stderr) == (0, "")
    assert [row["error_message"] for row in receiver.build("hook")["failures"]] == ["no disk"]
    checked = run(receiver, tmp_path, "milepost-hook", "check", "--strict", **number)
    assert f"{receiver.url}/builds/hook" in checked.stdout


@pytest.mark.parametrize("shell", [["sh"], ["bash", "--posix"]], ids=["sh", "bash"])
def test_shell_hook_reports_the_same(receiver: Running, tmp_path: Path, shell: list[str]):
    number = {"MILEPOST_BUILD_NUMBER": f"shell-{shell[0]}"}
    (tmp_path / "m.json").write_text('{"builds": [{"artifact_id": "Null"}]}\n')
    name = 'Quote " backslash \\ tab\t é %s $HOME'
    for arguments in (["stage", name], ["stage", "x", "55"], ["manifest", "m.json"]):
        done = run(receiver, tmp_path, *shell, SH, *arguments, **number)
        assert (done.returncode, done.stderr) == (0, "")
    run(receiver, tmp_path, *shell, SH, "done", "success", **number)
    build = receiver.build(f"shell-{shell[0]}")
    assert build["status"] == "completed"
    assert [row["stage"] for row in build["states"]] == [name.replace("\t", " "), "x"]
    assert len(build["artifacts"]) == 1


def test_shell_hook_exits_0_on_any_problem(receiver: Running, tmp_path: Path):
    away = {"MILEPOST_BUILD_NUMBER": "x", "MILEPOST_URL": "http://127.0.0.1:1"}
    wrong = {"MILEPOST_BUILD_NUMBER": "x", "MILEPOST_SECRET": "whsec_AAAA"}
    for settings in (away, wrong, {}):
        done = run(receiver, tmp_path, SH, "stage", "x", **settings)
        assert done.returncode == 0
        assert "milepost: not report" in done.stderr


def test_demo_fills_fourteen_nights_beside_others_only_where_it_is_told_to(
    receiver: Running, tmp_path: Path
):
    own = {"MILEPOST_BUILD_NUMBER": "of-a-team", "MILEPOST_PROJECT": "core"}
    assert run(receiver, tmp_path, "milepost-hook", "stage", "Base", **own).returncode == 0
    mine = {"MILEPOST_BUILD_NUMBER": "mine", "MILEPOST_PLATFORM": "mine"}
    mine["MILEPOST_SECRET"] = receiver.secrets["milepost"]
    refused = run(receiver, tmp_path, "milepost", "demo", **mine)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "set MILEPOST_TOKEN to a token of scope admin" in refused.stderr
    mine["MILEPOST_TOKEN"] = receiver.token("admin")
    refused = run(receiver, tmp_path, "milepost", "demo", **mine)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "has builds of its own, such as" in refused.stderr
    assert not {"demo", "platform"} & {build["project"] for build in listed(receiver)}
    done = run(receiver, tmp_path, "milepost", "demo", "--mix", "--live", "1s", **mine)
    assert done.returncode == 0, done.stdout + done.stderr
    builds = listed(receiver)
    assert "mine" not in str(builds)
    assert {each["status"] for each in builds if each["project"] == "demo"} == {"completed"}
    statuses = {each["status"] for each in builds if each["project"] == "platform"}
    assert statuses == {"completed", "failed", "cancelled"}
    answer = requests.get(f"{receiver.url}/api/v1/channels/prod?project=platform", timeout=30)
    assert len(answer.json()["items"]) == 24
    known = DemoReceiver(receiver.url, mine["MILEPOST_SECRET"], mine["MILEPOST_TOKEN"])
    known.check(mix=False)  # the nights are there already: nothing is mixed any more
    assert known.is_filled
    decide(known.client, datetime.now(UTC))  # as after a run that was interrupted
