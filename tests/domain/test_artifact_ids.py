"""Packer's artifact ids: lists of regions, one id, constants that name nothing."""

import pytest

from receiver.domain.artifact_ids import by_region

AZURE = "/subscriptions/0f-1/resourceGroups/images/providers/Microsoft.Compute/images/rhel:9"
DISK = "https://images.blob.core.windows.net/vhds/golden-osDisk.vhd"
UUID = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("builder", "artifact_id", "expected"),
    [
        ("amazon-ebs", "eu-west-1:ami-1", [("eu-west-1", "ami-1")]),
        ("amazon-ebs", "a-1:ami-1,b-1:ami-2", [("a-1", "ami-1"), ("b-1", "ami-2")]),
        ("amazon-ebsvolume", "a-1:vol-1,a-1:vol-2", [("a-1", "vol-1"), ("a-1", "vol-2")]),
        ("amazon-ebsvolume", "a-1:vol-1,a-1:snap-2", [("a-1", "vol-1"), ("a-1", "snap-2")]),
        ("amazon-ebs", "odd", [(None, "odd")]),
        ("qemu", "us-east-1:ami-0ccc", [("us-east-1", "ami-0ccc")]),
        (
            "vmware-iso",
            "eu-west-1:ami-1,eu-west-2:ami-2",
            [("eu-west-1", "ami-1"), ("eu-west-2", "ami-2")],
        ),
        ("outscale-bsu", "eu-west-2:ami-0eee", [("eu-west-2", "ami-0eee")]),
        ("outscale-bsuvolume", "eu-west-2:vol-0eee", [("eu-west-2", "vol-0eee")]),
        (
            "alicloud-ecs",
            "cn-beijing:m-2ze1,cn-hangzhou:m-bp1",
            [("cn-beijing", "m-2ze1"), ("cn-hangzhou", "m-bp1")],
        ),
        (
            "tencentcloud-cvm",
            "ap-guangzhou:img-aa1,ap-shanghai:img-a2",
            [("ap-guangzhou", "img-aa1"), ("ap-shanghai", "img-a2")],
        ),
        ("scaleway", f"fr-par-1:{UUID}", [("fr-par-1", UUID)]),
        ("digitalocean", "lon1,nyc3:68784116", [("lon1", "68784116"), ("nyc3", "68784116")]),
        ("azure-arm", AZURE, [(None, AZURE)]),
        ("azure-arm", DISK, [(None, DISK)]),
        ("googlecompute", "packer-1699480766", [(None, "packer-1699480766")]),
        ("docker", "org/repo:tag", [(None, "org/repo:tag")]),
        ("docker", "golden-1:m-2", [(None, "golden-1:m-2")]),
        ("docker", "sha256:00ff", [(None, "sha256:00ff")]),
        ("oracle-oci", "ocid1.image.oc1.iad.aaaa", [(None, "ocid1.image.oc1.iad.aaaa")]),
        ("linode", "private/123456", [(None, "private/123456")]),
        ("hcloud", "12345678", [(None, "12345678")]),
        ("proxmox-iso", "900", [(None, "900")]),
        ("vsphere-iso", "golden,rhel9", [(None, "golden,rhel9")]),
        ("tomorrows-builder", "a-1:b-1", [(None, "a-1:b-1")]),
        (None, "", [(None, "")]),
    ],
)
def test_an_artifact_id_is_split_where_its_shape_is_known(
    builder: str | None, artifact_id: str, expected: list[tuple[str | None, str]]
):
    assert by_region(artifact_id, builder, ()) == expected


@pytest.mark.parametrize("constant", ["", "VM", "Container", "Null", "File", "{}", "UNKNOWN ID"])
def test_a_constant_is_no_id(constant: str):
    assert by_region(constant, "qemu", ()) == [(None, "")]
    assert by_region(constant, "qemu", [{"size": 1}, {"name": ""}]) == [(None, "")]
    file = {"name": "output/rhel9.qcow2", "size": 1}
    assert by_region(constant, "qemu", [file]) == [(None, "output/rhel9.qcow2")]


def test_of_several_files_none_is_the_id():
    files = [{"name": "golden.ovf"}, {"name": "golden.vmdk"}]
    assert by_region("VM", "virtualbox-iso", files) == [(None, "")]


def test_a_box_is_named_by_its_file_and_not_by_its_provider():
    box = [{"name": "boxes/golden.box"}]
    assert by_region("virtualbox", "virtualbox-iso", box) == [(None, "boxes/golden.box")]
    assert by_region("libvirt", "libvirt", [{"name": "golden.qcow2"}]) == [(None, "libvirt")]
