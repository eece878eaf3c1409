"""Runs of each builder through the whole hook and a real receiver, with a `packer` of our own."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.packer_runs import CAUSE, FORMS, RELEASES, printed, target_of
from tests.support.packer_words import BUILDERS
from tests.support.packers import fake_packer, faked
from tests.support.receivers import Running

KINDS = list(BUILDERS)
# Each builder in another release and form: the reader's own tests have all of them.
RUNS = [(kind, RELEASES[i % len(RELEASES)], FORMS[i % len(FORMS)]) for i, kind in enumerate(KINDS)]
# The receiver shows the file of an artifact whose builder has one constant id for all.
SHOWN = {"VM": "output-golden", "File": "golden.img", "Null": ""}
PART = 'source "{kind}" "golden" {{}}\nbuild {{\n  name = "web"\n  sources = ["{kind}.golden"]\n'
STEPS = '  provisioner "shell" {}\n  post-processor "manifest" {}\n}\n'


def reported(
    folder: Path, receiver: Running, kind: str, release: str, form: str, end: str
) -> dict[str, Any]:
    (folder / "t.pkr.hcl").write_text(PART.format(kind=kind) + STEPS)
    fake_packer(folder, printed(kind, release, form, end), code=int(end != "finished"))
    number = f"{end}-{release}-{form}"
    done = faked(folder, receiver=receiver, MILEPOST_BUILD_NUMBER=number)
    assert done.returncode == int(end != "finished"), done.stdout
    assert "milepost:" not in done.stdout
    return receiver.build(f"{number}-{target_of(kind)}")


@pytest.mark.parametrize(("kind", "release", "form"), RUNS)
def test_complete_run_is_reported(
    receiver: Running, tmp_path: Path, kind: str, release: str, form: str
):
    build = reported(tmp_path, receiver, kind, release, form, "finished")
    assert (build["status"], build["current_state"]) == ("completed", 100)
    assert build["platform"] == kind
    assert {row["status"] for row in build["states"]} == {"completed"}
    found = {(each["region"], each["artifact_id"]) for each in build["artifacts"]}
    assert found == {(region, SHOWN.get(each, each)) for region, each in BUILDERS[kind].artifacts}
    assert (build["failures"], build["left_behind"]) == ([], [])


@pytest.mark.parametrize(("kind", "release", "form"), RUNS[:5])
def test_failed_run_is_reported(
    receiver: Running, tmp_path: Path, kind: str, release: str, form: str
):
    build = reported(tmp_path, receiver, kind, release, form, "failed")
    assert (build["status"], build["current_state"]) == ("failed", 25)
    (failure,) = build["failures"]
    assert failure["error_message"].startswith(CAUSE)
    assert (failure["failure_type"], failure["stage"]) == ("provisioner", "harden")
    assert (build["artifacts"], build["left_behind"]) == ([], [])


@pytest.mark.parametrize(("kind", "release", "form"), RUNS[:5])
def test_run_that_is_cut_off_has_left_what_it_created(
    receiver: Running, tmp_path: Path, kind: str, release: str, form: str
):
    build = reported(tmp_path, receiver, kind, release, form, "cut")
    assert build["status"] == "failed"
    assert {each["id"] for each in build["left_behind"]} == BUILDERS[kind].left
