"""What an artifact id of Packer's names: ids by region, one id, a file, or nothing.

Facts: the `Id()` of each builder's and post-processor's artifact. Amazon, Alibaba, Tencent and
Outscale join "region:id" with commas; Scaleway has "zone:id"; DigitalOcean "region,region:id".
Docker has "repository:tag" and Azure an address, so that a colon alone tells nothing.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# What builders and post-processors write where an artifact has no id of its own: qemu, virtualbox,
# hyperv and parallels VM, docker's export Container, null Null, file File, azure-arm UNKNOWN ID,
# compress and checksum nothing; "{}" and "<no value>" a template that is left unfilled.
CONSTANTS = {
    *("", "VM", "Container", "Null", "File", "UNKNOWN ID", "{}", "<no value>"),
    "ERR_ID_NOT_IMPLEMENTED_BY_BUILDER",
}
# A box's id is its provider: github.com/hashicorp/packer-plugin-vagrant.
PROVIDERS = frozenset(
    ("virtualbox", "vmware", "vmware_desktop", "libvirt", "parallels", "hyperv", "docker", "lxc")
)
_WITH_LISTS = ("amazon-", "alicloud-", "outscale-", "tencentcloud-")
_LIST = re.compile(r"(?P<region>[a-z0-9-]+):(?P<id>[^:,/\s]+)\Z")
# A post-processor, as amazon-import, gives them behind any builder, but not in docker's place.
_KNOWN = re.compile(
    r"(?P<region>[a-z]+[a-z0-9]*(?:-[a-z0-9]+)+):"
    r"(?P<id>(?:ami|snap|vol)-[0-9a-f]+|img-[a-z0-9]+|m-[a-z0-9]+"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\Z"
)
_DIGITALOCEAN = re.compile(r"(?P<regions>[a-z0-9-]+(?:,[a-z0-9-]+)*):(?P<id>[^:,/\s]+)\Z")


def by_region(
    artifact_id: str, builder_type: str | None, files: Iterable[Mapping[str, Any]]
) -> list[tuple[str | None, str]]:
    """Return (region, id) pairs; a region is None where the id tells none.

    The id is "" where it names nothing: a shell must not take a constant for an image.
    """
    builder = builder_type or ""
    shape = _LIST if builder.startswith(_WITH_LISTS) else _KNOWN
    pairs = [shape.match(part) for part in artifact_id.split(",")]
    if all(pairs) and builder != "docker":
        return [(pair["region"], pair["id"]) for pair in pairs if pair]
    if builder == "digitalocean" and (found := _DIGITALOCEAN.match(artifact_id)):
        return [(region, found["id"]) for region in found["regions"].split(",")]
    return [(None, named(artifact_id, files))]


def named(artifact_id: str, files: Iterable[Mapping[str, Any]]) -> str:
    """Return the id, or the name of its only file where the id is a constant, else ""."""
    names = [str(file["name"]) for file in files if file.get("name")]
    is_box = artifact_id in PROVIDERS and any(name.endswith(".box") for name in names)
    if artifact_id.strip() not in CONSTANTS and not is_box:
        return artifact_id
    return names[0] if len(names) == 1 else ""
