"""The dimensions of a build: what names tell of them, and the columns that a name gives.

`rhel-8.8` is family rhel, 8, 8, "RHEL 8.8"; `aws-commercial` and `amazon-ebs` are of provider aws.
"""

import re
from collections.abc import Collection, Mapping

from receiver.domain import image_names
from receiver.domain.image_names import Reading
from receiver.domain.model import Identity, Json

UNKNOWN = "unknown"
BUILDER = "builder"  # the place of what a builder's type tells
LONGEST = 200  # characters of a dimension's name: an index takes no longer one

# Where names stand, the strongest first. Target and entry are the very source that made the image;
# a var-file is chosen for this run, where one template makes many images; a template is nearer than
# its folder, which others share. A CI's names are the last: they may tell of what a job runs on.
PLACES = ("target", "entry", "var_file", "template", "folder", "job", "workflow")
_LOOSE = ("folder", "job", "workflow")  # a word alone, as "docker", is mostly no image's type here

_PROVIDERS = (
    ("aws", r"aws|amazon|ec2"),
    ("azure", r"azure"),
    ("gcp", r"gcp|google(?:compute)?"),
    ("vmware", r"vmware|vsphere|esxi?"),
    ("openstack", r"openstack"),
    ("oracle", r"oracle|oci"),
    ("alibaba", r"ali(?:cloud|baba|yun)"),
    ("digitalocean", r"digitalocean"),
    ("proxmox", r"proxmox"),
    ("hcloud", r"hcloud|hetzner"),
    ("linode", r"linode"),
    ("scaleway", r"scaleway"),
    ("yandex", r"yandex"),
    ("outscale", r"outscale"),
    ("tencentcloud", r"tencent(?:-?cloud)?"),
    ("ibmcloud", r"ibm-?cloud"),
    ("nutanix", r"nutanix"),
    ("parallels", r"parallels"),
    ("lxd", r"lxd"),
    ("hyperv", r"hyper-?v"),
    ("virtualbox", r"virtualbox|vbox"),
    ("qemu", r"qemu|kvm|libvirt"),
    ("docker", r"docker|container"),
)
_SPELLINGS = {"vsphere": "vSphere", "vmware": "VMware"}
_ACRONYMS = {"rhel", "sles", "ol", "aws", "gcp", "ebs", "arm", "iso", "hpc", "cis", "stig", "os"}
_VERSION = re.compile(
    r"(?P<family>.*?)[-_. ]*(?<!\d)(?P<major>\d{1,9})(?!\d)(?:[.](?P<minor>\d{1,9})(?!\d))?"
)


def infer(
    names: Mapping[str, str], builder_types: Collection[str | None]
) -> tuple[Identity, dict[str, str]]:
    """Return what raw names tell of the image, and for each dimension the place that told it.

    The weakest of all sources: for dimensions that nobody states, and to be shown as inferred. The
    stronger place decides (PLACES); one that tells a family alone is completed by the next one that
    tells a version of it. The platform is the builder's type, if there is one only: Packer's word,
    so its place is BUILDER.

    >>> infer({"target": "amazon-ebs.ubuntu", "var_file": "noble.pkrvars.hcl"}, ["amazon-ebs"])[1]
    {'platform': 'builder', 'os_version': 'var_file'}
    """
    readings = {place: image_names.read(names[place]) for place in PLACES if names.get(place)}
    found = {
        "platform": _platform(readings, {each for each in builder_types if each}),
        "os_version": _os_version(readings),
        "image_type": _image_type(readings, builder_types),
    }
    told = {dimension: each for dimension, each in found.items() if each}
    identity = Identity(**{dimension: value for dimension, (value, _) in told.items()})
    return identity, {dimension: place for dimension, (_, place) in told.items()}


def _platform(readings: Mapping[str, Reading], builders: Collection[str]) -> tuple[str, str] | None:
    if builders:
        return (min(builders)[:LONGEST], BUILDER) if len(builders) == 1 else None
    for place in ("target", "entry"):
        if place in readings and (builder := readings[place].builder):
            return builder, place
    return None


def _os_version(readings: Mapping[str, Reading]) -> tuple[str, str] | None:
    systems = [(place, each) for place, each in readings.items() if each.family]
    if not systems:
        return None
    family = systems[0][1].family
    versions = [(place, each) for place, each in systems if each.family == family and each.version]
    place, system = (versions or systems)[0]
    return system.os_version or "", place


def _image_type(
    readings: Mapping[str, Reading], builders: Collection[str | None]
) -> tuple[str, str] | None:
    for place, reading in readings.items():
        is_loose = place in _LOOSE and not reading.family
        if reading.image_type and not is_loose and reading.image_type not in builders:
            return reading.image_type, place
    return None


def display_name(name: str) -> str:
    """Return the name as a title: "aws-commercial" is "AWS Commercial"."""
    words = [word for word in re.split(r"[-_ ]+", name) if word]
    return " ".join(_title(word) for word in words) or name


def platform(name: str) -> Json:
    """Return columns of `platforms`."""
    provider = next((provider for provider, words in _PROVIDERS if _has_word(name, words)), UNKNOWN)
    return {"name": name, "display_name": display_name(name), "cloud_provider": provider}


def os_version(name: str) -> Json:
    """Return columns of `os_versions`; a name without a number has major_version 0.

    What is said keeps its spelling, and is of the family that it names: `ubuntu-jammy-arm64` is of
    family ubuntu, 22, 4.
    """
    found = _VERSION.match(name)
    family, major, minor = _known(name) or _numbered(name, found)
    return {
        "name": name,
        "display_name": display_name(_spaced(name, found)),
        "os_family": family,
        "major_version": major,
        "minor_version": minor,
    }


def _numbered(name: str, found: re.Match[str] | None) -> tuple[str, int, int | None]:
    """Return the words before the first number as the family, and the number."""
    family = (found["family"] if found else name).strip("-_. ").lower() or name.lower()
    minor = found["minor"] if found else None
    return family, int(found["major"]) if found else 0, int(minor) if minor else None


def _known(name: str) -> tuple[str, int, int | None] | None:
    """Return family, major and minor version of a system that the recogniser knows."""
    reading = image_names.read(name)
    if not reading.family:
        return None
    major, _, minor = (reading.version or "0").partition(".")
    return reading.family, int(major.partition("-")[0]), int(minor) if minor else None


def image_type(name: str) -> Json:
    """Return columns of `image_types`."""
    return {"name": name, "display_name": display_name(name)}


def project(name: str) -> Json:
    """Return columns of `projects`."""
    return {"name": name}


def _has_word(name: str, words: str) -> bool:
    return re.search(rf"(?:^|[^a-z])(?:{words})(?:$|[^a-z])", name.lower()) is not None


def _spaced(name: str, found: re.Match[str] | None) -> str:
    """`rhel8` reads as `rhel 8`."""
    return f"{found['family']} {name[found.start('major') :]}" if found else name


def _title(word: str) -> str:
    if word.lower() in _ACRONYMS:
        return word.upper()
    if word in _SPELLINGS:
        return _SPELLINGS[word]
    return word if word != word.lower() else word.capitalize()
