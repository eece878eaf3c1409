"""How a run ends: before its first build, with another exit code than its output, cut off."""

from pathlib import Path

import pytest
import requests

from hooks.wrapper import artifacts
from tests.support.packers import HOOK, Json, fake_packer, faked, packer, template, wrapped
from tests.support.receivers import Running

MISSING = (
    "Error: Missing plugins\n\nThe following plugins are required, but not installed:\n\n"
    "* github.com/hashicorp/amazon >= 1.3.0\n\nDid you run packer init for this project ?\n\n"
)
UNSET = 'Error: Unset variable "region"\n\nA used variable must be set or have a default value\n'
DATA = "Error: Datasource.Execute failed: no such host\n\n  on t.pkr.hcl line 1:\n"
SOURCES = "build {{\n  sources = [{}]\n}}\n"


def listed(receiver: Running, number: str) -> list[Json]:
    answer = requests.get(f"{receiver.url}/api/v1/builds?limit=100", timeout=30).json()
    return [each for each in answer["items"] if each["build_number"].startswith(number)]


@pytest.mark.parametrize(
    ("number", "words", "kind"),
    [("plugins", MISSING, "plugin"), ("unset", UNSET, "template"), ("data", DATA, "network")],
)
def test_run_that_dies_before_its_first_build_is_a_failed_build(
    receiver: Running, tmp_path: Path, number: str, words: str, kind: str
):
    fake_packer(tmp_path, words, code=1)
    assert faked(tmp_path, receiver=receiver, MILEPOST_BUILD_NUMBER=number).returncode == 1
    build = receiver.build(number)
    (failure,) = build["failures"]
    assert (build["status"], failure["failure_type"]) == ("failed", kind)
    assert failure["error_message"].startswith(words.partition("\n")[0])


def test_run_that_dies_early_names_the_targets_of_its_template(receiver: Running, tmp_path: Path):
    sources = '"source.null.one", "source.null.two"'
    (tmp_path / "t.pkr.hcl").write_text(SOURCES.format(sources))
    fake_packer(tmp_path, UNSET, code=1)
    flags = ["-only=null.two"]
    faked(tmp_path, *flags, receiver=receiver, MILEPOST_BUILD_NUMBER="known")
    assert [each["build_number"] for each in listed(receiver, "known")] == ["known-null.two"]


def test_template_that_is_no_json_is_a_failed_build_of_a_real_packer(
    receiver: Running, tmp_path: Path
):
    (tmp_path / "t.json").write_text('{"builders":[{"type":"null"}')
    assert wrapped(tmp_path, receiver=receiver, MILEPOST_BUILD_NUMBER="torn").returncode == 1
    (failure,) = receiver.build("torn")["failures"]
    assert failure["failure_type"] == "template"
    assert failure["error_message"].startswith("Failed to parse template")


FINISHED = "==> null.{0}: Connected to SSH!\nBuild 'null.{0}' finished after 1 second.\n"
NOTHING = "\n==> Builds finished but no artifacts were created.\n"


def test_exit_code_1_fails_a_build_that_finished(receiver: Running, tmp_path: Path):
    error = 'Error: publishing build metadata to HCP Packer for "null.a" failed\n\nno bucket\n\n'
    fake_packer(tmp_path, error + FINISHED.format("a") + NOTHING, code=1)
    assert faked(tmp_path, receiver=receiver, MILEPOST_BUILD_NUMBER="late").returncode == 1
    build = receiver.build("late-null.a")
    assert build["status"] == "failed"
    assert "publishing build metadata" in build["failures"][0]["error_message"]


def test_exit_code_1_of_another_build_leaves_the_finished_one_complete(
    receiver: Running, tmp_path: Path
):
    bad = "==> null.b: x\nBuild 'null.b' errored after 1 second: no\n"
    summary = (
        "==> Some builds didn't complete successfully and had errors:\n--> null.b: no\n\n"
        "==> Builds finished. The artifacts of successful builds are:\n"
        "--> null.a: Did not export anything. This is the null builder\n"
    )
    fake_packer(tmp_path, bad + FINISHED.format("a") + summary, code=1)
    faked(tmp_path, receiver=receiver, MILEPOST_BUILD_NUMBER="two")
    assert receiver.build("two-null.a")["status"] == "completed"
    assert receiver.build("two-null.b")["status"] == "failed"


def test_complete_build_without_an_artifact_has_a_warning(receiver: Running, tmp_path: Path):
    fake_packer(tmp_path, FINISHED.format("a") + NOTHING)
    faked(tmp_path, receiver=receiver, MILEPOST_BUILD_NUMBER="empty")
    build = receiver.build("empty-null.a")
    assert (build["status"], build["artifacts"]) == ("completed", [])
    assert "no artifact" in build["states"][-1]["error_message"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # outscale/packer-plugin-outscale, builder/osc/common/artifact.go, builder/osc/bsuvolume
        (
            "OMIs were created:\ncloudgouv-eu-west-1: ami-0a1b2c3d\neu-west-2: ami-11223344\n",
            [("ami-0a1b2c3d", "cloudgouv-eu-west-1"), ("ami-11223344", "eu-west-2")],
        ),
        ("BSU Volumes were created:\n\neu-west-2: vol-11223344", [("vol-11223344", "eu-west-2")]),
        ("OMIs were created:\n", []),
        ("OMIs were created: for nobody", []),
    ],
)
def test_ids_by_region_of_outscale(text: str, expected: list[tuple[str, str]]):
    assert [(part.id, part.region) for part in artifacts.parts(text, "outscale-bsu")] == expected


def test_sentence_of_the_summary_is_no_artifact(receiver: Running, tmp_path: Path):
    summary = (
        "==> Builds finished. The artifacts of successful builds are:\n"
        "--> null.a: Something new was made of: this\n"
        "--> null.a: Published metadata to HCP Packer registry packer/golden/versions/01K0\n"
        "--> null.a: Published metadata to HCP Packer registry https://portal.example.com/01K0\n"
    )
    fake_packer(tmp_path, FINISHED.format("a") + summary)
    faked(tmp_path, receiver=receiver, MILEPOST_BUILD_NUMBER="sentence")
    build = receiver.build("sentence-null.a")
    assert (build["status"], build["artifacts"]) == ("completed", [])
    page = requests.get(f"{receiver.url}/builds/sentence-null.a", timeout=30).text
    assert "packer/golden/versions/01K0" in page
    assert 'href="https://portal.example.com/01K0"' in page


def test_what_has_to_be_deleted_by_hand_is_shown_on_a_complete_build(
    receiver: Running, tmp_path: Path
):
    words = "==> amazon-ebs.a: Error terminating instance, may still be around: timeout\n"
    amis = (
        "==> Builds finished. The artifacts of successful builds are:\n"
        "--> amazon-ebs.a: AMIs were created:\neu-west-1: ami-0bbbbbbbbbbbbbbb1\n"
    )
    end = "Build 'amazon-ebs.a' finished after 1 second.\n"
    fake_packer(tmp_path, f"==> amazon-ebs.a: Starting\n{words}{end}{amis}")
    faked(tmp_path, receiver=receiver, MILEPOST_BUILD_NUMBER="hand")
    build = receiver.build("hand-amazon-ebs.a")
    assert build["status"] == "completed"
    assert [each["id"] for each in build["left_behind"]] == [words.partition(": ")[2].strip()]


def test_loop_over_var_files_is_a_build_for_each(receiver: Running, tmp_path: Path):
    template(tmp_path)
    flags = {"GITHUB_RUN_ID": "70380", "GITHUB_REPOSITORY": "acme/loop", "GITHUB_JOB": "images"}
    for name in ("rhel9", "ubuntu2404"):
        (tmp_path / f"{name}.pkrvars.json").write_text("{}")
    for name in ("rhel9", "ubuntu2404"):
        arguments = ["build", f"-var-file={name}.pkrvars.json", "t.json"]
        packer(tmp_path, HOOK, "packer", *arguments, receiver=receiver, **flags)
    numbers = {each["build_number"] for each in listed(receiver, "acme.loop")}
    number = "acme.loop-70380-images-{}-box"
    assert numbers == {number.format("rhel9"), number.format("ubuntu2404")}


def test_file_that_a_run_writes_changes_no_number(receiver: Running, tmp_path: Path):
    chain = [{"type": "manifest", "output": "m.json"}]
    template(tmp_path, **{"post-processors": [chain]})
    flags = {"GITHUB_RUN_ID": "1", "GITHUB_REPOSITORY": "acme/again", "GITHUB_JOB": "images"}
    for _ in range(2):
        assert wrapped(tmp_path, receiver=receiver, **flags).returncode == 0
    numbers = [each["build_number"] for each in listed(receiver, "acme.again")]
    assert numbers == ["acme.again-1-images-box"]
