"""The columns of a dimension that its name gives."""

import pytest

from receiver.domain import dimensions


@pytest.mark.parametrize(
    ("name", "display", "family", "major", "minor"),
    [
        ("rhel-8.8", "RHEL 8.8", "rhel", 8, 8),
        ("rhel8", "RHEL 8", "rhel", 8, None),
        ("ubuntu-22.04", "Ubuntu 22.04", "ubuntu", 22, 4),
        ("amazon-linux-2023", "Amazon Linux 2023", "amazon-linux", 2023, None),
        ("sles-15-sp5", "SLES 15 Sp5", "sles", 15, None),
        ("windows", "Windows", "windows", 0, None),
        ("ubuntu-jammy-arm64", "Ubuntu Jammy ARM 64", "ubuntu", 22, 4),
        ("al2023", "Al 2023", "amazon-linux", 2023, None),
        ("golden-3", "Golden 3", "golden", 3, None),
        ("unknown", "Unknown", "unknown", 0, None),
        ("20261123235959", "20261123235959", "20261123235959", 0, None),
        ("12", "12", "12", 12, None),
    ],
)
def test_a_name_gives_the_columns_of_an_os_version(
    name: str, display: str, family: str, major: int, minor: int | None
):
    assert dimensions.os_version(name) == {
        "name": name,
        "display_name": display,
        "os_family": family,
        "major_version": major,
        "minor_version": minor,
    }


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("aws-commercial", "aws"),
        ("amazon-ebs", "aws"),
        ("azure-arm", "azure"),
        ("googlecompute", "gcp"),
        ("vsphere-iso", "vmware"),
        ("qemu", "qemu"),
        ("hcloud", "hcloud"),
        ("linode", "linode"),
        ("scaleway", "scaleway"),
        ("yandex", "yandex"),
        ("outscale-bsu", "outscale"),
        ("parallels-iso", "parallels"),
        ("lxd", "lxd"),
        ("tencentcloud-cvm", "tencentcloud"),
        ("alicloud-ecs", "alibaba"),
        ("ibmcloud-vpc", "ibmcloud"),
        ("digitalocean", "digitalocean"),
        ("oracle-oci", "oracle"),
        ("proxmox-iso", "proxmox"),
        ("nutanix", "nutanix"),
        ("null", "unknown"),
        ("lawsuit", "unknown"),
    ],
)
def test_a_platforms_name_gives_its_cloud_provider(name: str, provider: str):
    assert dimensions.platform(name)["cloud_provider"] == provider


@pytest.mark.parametrize("name", ["-", "'; DROP TABLE builds; --", "<script>", "%s", "🙂"])
def test_any_name_gives_columns(name: str):
    for columns in (dimensions.platform, dimensions.os_version, dimensions.image_type):
        assert all(value != "" for value in columns(name).values())
