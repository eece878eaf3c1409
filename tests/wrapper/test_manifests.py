"""Where a manifest is looked for, and what is not read as one."""

import json
import os
from pathlib import Path

import pytest

from hooks.client import Deadline
from hooks.wrapper import manifests, template
from hooks.wrapper.template import Source

DOCUMENT = {"builds": [{"name": "x"}], "last_run_uuid": "u"}


def read(*patterns: str, named: tuple[str, ...] = ()) -> list[object]:
    return list(manifests.read_all(patterns, named, 0.0, Deadline()))


def test_path_that_a_script_names_is_read_only_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    inside = tmp_path / "work"
    inside.mkdir()
    monkeypatch.chdir(inside)
    for folder in (tmp_path, inside):
        (folder / "m.json").write_text(json.dumps(DOCUMENT))
    (inside / "link.json").symlink_to(tmp_path / "m.json")
    assert read(named=("m.json",)) == [DOCUMENT]
    assert read(named=(str(tmp_path / "m.json"), "../m.json", "link.json")) == []


def test_pipes_devices_and_large_files_are_no_manifests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.json")
    with open("large.json", "wb") as file:
        file.truncate(manifests.MAX_BYTES + 1)
    assert read("pipe.json", "/dev/zero", "large.json", named=("pipe.json",)) == []


def test_manifest_that_the_template_does_not_name_is_found_by_its_change(tmp_path: Path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "m.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "other.json").write_text("[]")
    os.mkfifo(tmp_path / "pipe.json")
    assert manifests.search([tmp_path, tmp_path], 0.0, Deadline()) == [DOCUMENT]
    assert manifests.search([tmp_path], 4e9, Deadline()) == []


HCL = """
build {
  name = "gold"  # a "name"
  source "source.null.base" { name = "ubuntu" }
  sources = ["source.amazon-ebs.rhel"]
  provisioner "shell" { script = "a.sh" }
  post-processors {
    post-processor "manifest" { output = "one.json" }
    post-processor "manifest" { output = local.path }
  }
}
"""


def test_hcl_template_says_its_targets_components_and_paths(tmp_path: Path):
    (tmp_path / "t.pkr.hcl").write_text(HCL)
    found = template.read(["build", str(tmp_path)], {})
    assert found.targets == {
        "gold.amazon-ebs.rhel": Source("amazon-ebs", "rhel"),
        "gold.null.ubuntu": Source("null", "base"),
    }
    assert found.manifests == ("one.json",)
    assert (found.has("provisioner", "shell"), found.has("provisioner", "ansible")) == (True, False)
    assert (found.may_clean_up(), found.says("max_retries")) == (False, False)


def test_name_that_hcl_computes_may_be_any(tmp_path: Path):
    (tmp_path / "t.pkr.hcl").write_text(
        'build {\n  name = local.name\n  sources = ["null.base"]\n'
        '  source "qemu.rhel" { name = var.os }\n}\n'
    )
    found = template.read(["build", str(tmp_path)], {})
    assert found.source("gold 1.2.null.base") == Source("null", "base")
    assert found.source("gold 1.2.qemu.rhel-9.4 (x86)") == Source("qemu", "rhel")
    assert found.accepts("gold 1.2.null.base")


def test_templated_name_of_a_json_template_is_never_cut_at_a_dot(tmp_path: Path):
    (tmp_path / "t.json").write_text('{"builders": [{"type": "qemu", "name": "{{user `os`}}"}]}')
    found = template.read(["build", str(tmp_path / "t.json")], {})
    assert found.source("debian10.7") == Source("qemu", "debian10.7")
    assert found.accepts("debian10.7")


def test_template_that_cannot_be_read_allows_everything(tmp_path: Path):
    found = template.read(["build", str(tmp_path / "none.pkr.hcl")], {})
    assert found.has("provisioner", "shell")
    assert found.accepts("anything")
    assert not found.accepts("Failed assigning version `1` to channel `x`")
