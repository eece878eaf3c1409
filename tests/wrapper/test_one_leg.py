"""The wrapper in a job, and the job's own reports: one build a target, and no other."""

import json
from pathlib import Path

import pytest
import requests

from tests.support.ci_variables import GITHUB, GITLAB, JENKINS
from tests.support.packers import HOOK, fake_packer, faked, packer, script, template, wrapped
from tests.support.receivers import Running

JOBS = {
    "github": (GITHUB | {"MILEPOST_CHECK_RUN_ID": "84211"}, "acme.images-500-image"),
    "gitlab": (GITLAB, "acme.images-900-image-rhel-9-aws"),
    "jenkins": (JENKINS, "images.main-12"),
    "a number": ({"MILEPOST_BUILD_NUMBER": "nightly-1"}, "nightly-1"),
}


def job(folder: Path, receiver: Running, env: dict[str, str], *command: str) -> None:
    done = packer(folder, HOOK, *command, receiver=receiver, **env)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("forge", JOBS)
def test_a_job_s_stages_and_verdict_reach_its_only_target(
    receiver: Running, tmp_path: Path, forge: str
):
    env, number = JOBS[forge]
    template(tmp_path, script("true"))
    job(tmp_path, receiver, env, "stage", "Lint")
    assert wrapped(tmp_path, receiver=receiver, **env).returncode == 0
    job(tmp_path, receiver, env, "stage", "Scan")
    job(tmp_path, receiver, env, "done", "--status", "failure")
    build = receiver.build(number)
    assert (build["build_number"], build["status"], build["attempt"]) == (
        f"{number}-box",
        "failed",
        1,
    )
    names = [row["stage"] for row in build["states"]]
    assert (names[0], names[-1]) == ("Lint", "Scan")
    badge = requests.get(f"{receiver.url}/api/v1/builds/{number}/resume", timeout=30)
    assert badge.status_code == 200


def test_the_number_says_nothing_of_two_targets(receiver: Running, tmp_path: Path):
    output = "==> null.a: Running local shell script: /tmp/x\n"
    header = "null.a: output will be in this color.\nnull.b: output will be in this color.\n\n"
    fake_packer(tmp_path, header + output + output.replace("null.a", "null.b"), more="trap '' TERM")
    env = JOBS["github"][0] | {"GITHUB_RUN_ID": "501"}
    assert faked(tmp_path, receiver=receiver, **env).returncode == 0
    job(tmp_path, receiver, env, "done", "--status", "failure")
    number = "acme.images-501-image"
    url = f"{receiver.url}/api/v1/builds"
    assert requests.get(f"{url}/{number}", timeout=30).status_code == 404
    listed = json.loads(receiver.get("/api/v1/builds?limit=100"))["items"]
    assert sorted(each["build_number"] for each in listed if number in each["build_number"]) == [
        f"{number}-null.a",
        f"{number}-null.b",
    ]


def test_a_run_that_dies_first_and_its_retry_are_one_build(receiver: Running, tmp_path: Path):
    env = JOBS["github"][0] | {"GITHUB_RUN_ID": "502"}
    fake_packer(tmp_path, "Error: Missing plugins\n\nThe following plugins are required\n", 1)
    assert faked(tmp_path, receiver=receiver, **env).returncode == 1
    job(tmp_path, receiver, env, "done", "--status", "failure")
    assert receiver.build("acme.images-502-image")["status"] == "failed"
    template(tmp_path, script("true"))
    again = env | {"GITHUB_RUN_ATTEMPT": "2", "MILEPOST_CHECK_RUN_ID": "84212"}
    assert wrapped(tmp_path, receiver=receiver, **again).returncode == 0
    job(tmp_path, receiver, again, "done", "--status", "success")
    build = receiver.build("acme.images-502-image")
    assert (build["build_number"], build["status"], build["attempt"]) == (
        "acme.images-502-image-box",
        "completed",
        2,
    )
