"""What a build starts from: what builders print, what templates say, what users say."""

import json
from pathlib import Path

import pytest

from hooks.sources import listed
from hooks.wrapper import template
from tests.support.packer_output import read_box
from tests.support.packers import fake_packer, faked
from tests.support.receivers import Running

PRINTED = [
    ("amazon-ebs", "Found Image ID: ami-0abc1234", "ami-0abc1234"),
    ("azure-arm", " -> SourceImageName: '/subscriptions/1/base'", "/subscriptions/1/base"),
    ("googlecompute", "Using image: rhel-9-v20260101", "rhel-9-v20260101"),
    ("docker", "Pulling Docker image: ubuntu:24.04", "ubuntu:24.04"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "line", "image"), PRINTED)
@pytest.mark.parametrize("mark", ["> ", "    box: "])  # before Packer 1.13, a message was indented
def test_the_line_of_a_builder_names_its_source(kind: str, line: str, image: str, mark: str):
    reader = read_box(f"> Preparing\n{mark}{line}\n> Waiting", kind)
    assert reader.targets["box"].sources == (image,)


def test_neither_a_script_nor_another_builder_names_a_source():
    said = "> Found Image ID: ami-0abc1234"
    assert read_box(said, "docker").targets["box"].sources == ()
    connected = f"> Using SSH communicator to connect: 1.2.3.4\n> Connected to SSH!\n{said}"
    assert read_box(connected, "amazon-ebs").targets["box"].sources == ()


HCL = """
variable "base" { default = "out/other.qcow2" }
variable "late" {}
source "qemu" "disk" {
  disk_image = true
  iso_url    = "./out/base.qcow2"   # a path
}
source "qemu" "iso" {
  iso_url = "https://example.com/rhel.iso"
}
source "qemu" "variable" {
  disk_image = true
  iso_urls   = [var.base, "${path.root}/x.qcow2", "${var.base}.old", "${local.unknown}/y"]
}
source "vsphere-clone" "vm" {
  template = "Templates/linux/rhel9-base"
}
source "virtualbox-ovf" "ovf" {
  source_path = var.late
}
"""


def test_a_template_says_the_image_that_a_local_builder_starts_from(tmp_path: Path):
    path = tmp_path / "t.pkr.hcl"
    path.write_text(HCL)
    found = template.read(["build", "-var", "late=box.ova", str(path)], {}).sources
    assert found == {
        ("qemu", "disk"): ("out/base.qcow2",),
        ("qemu", "variable"): (f"{tmp_path}/x.qcow2", "out/other.qcow2.old"),
        ("vsphere-clone", "vm"): ("rhel9-base",),
        ("virtualbox-ovf", "ovf"): ("box.ova",),
    }


def test_a_json_template_says_it_too(tmp_path: Path):
    builders = [
        {"type": "qemu", "name": "disk", "disk_image": True, "iso_url": "{{user `dir`}}/b.qcow2"},
        {"type": "vmware-vmx", "source_path": "{{user `unset`}}/b.vmx"},
    ]
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"variables": {"dir": "out"}, "builders": builders}))
    found = template.read([str(path)], {}).sources
    assert found == {("qemu", "disk"): ("out/b.qcow2",)}


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("", []),
        (" us-east-1:ami-1 , eu-west-1:ami-2,us-east-1:ami-1",
         [("ami-1", "us-east-1"), ("ami-2", "eu-west-1")]),
        ("ami-1", [("ami-1", None)]),
        ("my-image:v2", [("my-image:v2", None)]),
        ("Canonical:ubuntu-24_04-lts:server:latest",
         [("Canonical:ubuntu-24_04-lts:server:latest", None)]),
        ("fr-par-1:0a1b2c3d-0000-0000-0000-0a1b2c3d4e5f",
         [("0a1b2c3d-0000-0000-0000-0a1b2c3d4e5f", "fr-par-1")]),
        ("https://me:secret@example.com/b.vhd?sig=x", [("https://example.com/b.vhd", None)]),
    ],
)  # fmt: skip
def test_what_a_user_says_is_read_by_its_form(text: str, sources: list[tuple[str, str | None]]):
    assert [(each["artifact_id"], each.get("region")) for each in listed([text])] == sources


def test_a_wrapped_run_tells_its_sources(receiver: Running, tmp_path: Path):
    (tmp_path / "t.pkr.hcl").write_text(
        'source "amazon-ebs" "web" {}\nbuild {\n  sources = ["amazon-ebs.web"]\n}\n'
    )
    fake_packer(
        tmp_path,
        "amazon-ebs.web: output will be in this color.\n\n"
        "==> amazon-ebs.web: Prevalidating any provided VPC information\n"
        "    amazon-ebs.web: Found Image ID: ami-0abc1234\n"
        "==> amazon-ebs.web: Launching a source AWS instance...\n"
        "Build 'amazon-ebs.web' finished after 1 minute.\n\n"
        "==> Builds finished. The artifacts of successful builds are:\n"
        "--> amazon-ebs.web: AMIs were created:\nus-east-1: ami-0def5678\n",
    )
    said = {"MILEPOST_BUILD_NUMBER": "web-1", "MILEPOST_SOURCE": "us-east-1:ami-said"}
    done = faked(tmp_path, receiver=receiver, **said)
    assert (done.returncode, "milepost:" in done.stdout) == (0, False)
    lineage = json.loads(receiver.get("/api/v1/builds/web-1-amazon-ebs.web/lineage"))
    told = sorted((row["artifact_id"], row["region"]) for row in lineage["parents"])
    assert told == [("ami-0abc1234", None), ("ami-said", "us-east-1")]
