"""The Jenkins step under a real Groovy, with `sh` as it is and the other steps as stubs."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.support import ROOT, documented_packer
from tests.support.receivers import Running

LIBRARY = ROOT / "hooks" / "jenkins"
STUBS = ROOT / "tests" / "support" / "jenkins.groovy"
PAGE = (ROOT / "docs" / "jenkins.md").read_text()
CASES = {
    "passing": ("", "completed"),
    "failing": (" with IOException", "failed"),
    "aborted": (" with FlowInterrupted", "cancelled"),
    "unstable": ("", "completed"),
}
JAVA = Path(shutil.which("java", path="/usr/bin:/bin") or "/usr/bin/java")  # whichever is there


def run(folder: Path, *cases: str, **more: str) -> list[str]:
    env = {
        "PATH": "/usr/bin:/bin",
        "JAVA_HOME": str(JAVA.resolve().parents[1]),
        "HOME": str(folder),
        "WORKSPACE": str(folder / "my job"),
        "JOB_NAME": "images/main",
        "BUILD_NUMBER": "12",
        "BUILD_URL": "https://jenkins.example.com/job/images/12/",
        **more,
    }
    command = ["groovy", str(STUBS), str(LIBRARY), ",".join(cases)]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_step_reports_the_result_of_its_block_and_does_not_change_it(
    receiver: Running, tmp_path: Path
):
    settings = {"MILEPOST_URL": receiver.url, "CREDENTIAL_milepost": receiver.secrets["milepost"]}
    lines = run(tmp_path, *CASES, **settings)
    expected = [
        (f"milepost: {receiver.url}/builds/jenkins-{name}", f"ended {name}{word}")
        for name, (word, _) in CASES.items()
    ]
    *lines, description = lines
    assert lines == [line for pair in expected for line in pair]
    assert description == (
        f"description jenkins-passing: completed, {receiver.url}/builds/jenkins-passing"
    )
    builds = {name: receiver.build(f"jenkins-{name}") for name in CASES}
    assert {name: build["status"] for name, build in builds.items()} == {
        name: status for name, (_, status) in CASES.items()
    }
    assert {build["project"] for build in builds.values()} == {"core; exit 9"}
    stages = {(row["stage"], row["state"]) for row in builds["passing"]["states"]}
    assert stages == {('It\'s "Base" $(configuration)', 15)}


def test_block_without_a_receiver_or_a_secret_succeeds(receiver: Running, tmp_path: Path):
    away = run(
        tmp_path, "passing", MILEPOST_URL="http://127.0.0.1:1", CREDENTIAL_milepost="bearer:x"
    )
    assert away[-1] == "ended passing"
    assert sum(line.startswith("milepost: not reporting: the hook could") for line in away) == 1
    without = run(tmp_path / "two", "passing", MILEPOST_URL=receiver.url)
    # The build of this number may be another test's: its summary needs no secret.
    without = [line for line in without if not line.startswith("description ")]
    assert without == ["milepost: not reporting: set MILEPOST_SECRET"] * 2 + ["ended passing"]


def test_pipelines_of_the_docs_report_their_image(receiver: Running, tmp_path: Path):
    (manifest,) = re.findall(r"```hcl\n(.*?)```", PAGE, re.S)
    programs = documented_packer.prepare(tmp_path / "my job", manifest)
    settings = {"MILEPOST_URL": receiver.url, "CREDENTIAL_milepost": receiver.secrets["milepost"]}
    for place, text in enumerate(re.findall(r"```groovy\n(.*?)```", PAGE, re.S)):
        pipeline = tmp_path / f"pipeline{place}.groovy"
        pipeline.write_text(text.removeprefix("@Library('milepost') _\n"))
        more = {"BUILD_NUMBER": f"70{place}", "PATH": f"{programs}:/usr/bin:/bin"}
        lines = run(tmp_path, str(pipeline), CHECKPOINT_DISABLE="1", **(settings | more))
        number = f"images.main-70{place}-rhel-9-base-aws"
        assert f"milepost: {receiver.url}/builds/{number}" in lines
        build = receiver.build(number)
        assert build["build_number"] == f"{number}-null.aws"  # the block's end makes no other one
        assert (build["status"], build["project"]) == ("completed", "core")
        assert [each["name"] for each in build["artifacts"]] == ["aws"]
        assert 25 in [row["state"] for row in build["states"]]


def test_pipelines_of_the_docs_use_only_parameters_of_the_step():
    blocks = re.findall(r"```groovy\n(.*?)```", PAGE, re.S)
    parameters = set(
        re.findall(r"(\w+): '[A-Z_0-9]+'", (LIBRARY / "vars/milepost.groovy").read_text())
    )
    used = {name for block in blocks for name in re.findall(r"(\w+): '", block)}
    assert len(blocks) == 2
    assert used <= parameters | {"credentialsId"}
