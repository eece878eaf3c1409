"""Columns of a platform, OS version or image type, from its name alone.

`rhel-8.8` is family rhel, 8, 8, "RHEL 8.8"; `aws-commercial` and `amazon-ebs` are of provider aws.
"""

import re

from receiver.domain.model import Json

UNKNOWN = "unknown"

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
    ("hyperv", r"hyper-?v"),
    ("virtualbox", r"virtualbox|vbox"),
    ("qemu", r"qemu|kvm|libvirt"),
    ("docker", r"docker|container"),
)
_ACRONYMS = {"rhel", "sles", "ol", "aws", "gcp", "ebs", "arm", "iso", "hpc", "cis", "stig", "os"}
_VERSION = re.compile(
    r"(?P<family>.*?)[-_. ]*(?<!\d)(?P<major>\d{1,9})(?!\d)(?:[.](?P<minor>\d{1,9})(?!\d))?"
)


def display_name(name: str) -> str:
    """Return the name as a title: "aws-commercial" is "AWS Commercial"."""
    words = [word for word in re.split(r"[-_ ]+", name) if word]
    return " ".join(_title(word) for word in words) or name


def platform(name: str) -> Json:
    """Return columns of `platforms`."""
    provider = next((provider for provider, words in _PROVIDERS if _has_word(name, words)), UNKNOWN)
    return {"name": name, "display_name": display_name(name), "cloud_provider": provider}


def os_version(name: str) -> Json:
    """Return columns of `os_versions`; a name without a number has major_version 0."""
    found = _VERSION.match(name)
    family = (found["family"] if found else name).strip("-_. ").lower()
    minor = found["minor"] if found else None
    return {
        "name": name,
        "display_name": display_name(_spaced(name, found)),
        "os_family": family or name.lower(),
        "major_version": int(found["major"]) if found else 0,
        "minor_version": int(minor) if minor else None,
    }


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
    return word if word != word.lower() else word.capitalize()
