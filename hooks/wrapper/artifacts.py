"""The artifacts in Packer's summary; pure.

`--> NAME: TEXT`: the text is the artifact's String(), in words of each builder (artifact.go of each
plugin, and of Packer's builder/ and post-processor/). A text whose form is not here gives no
artifact: a sentence is no image.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]


class Part(NamedTuple):
    """One thing that a builder or a post-processor made."""

    id: str
    region: str | None = None
    files: tuple[str, ...] = ()


# HCP Packer's registry: internal/hcp/registry/artifact.go
_REGISTRY = re.compile(r"Published metadata to HCP Packer registry (packer/\S+|https://\S+)\s*")
_REGIONAL = re.compile(  # amazon, ebsvolume, alicloud, tencentcloud, outscale: common forms
    r"(?:AMIs|EBS Volumes|Alicloud images|OMIs|BSU Volumes) were created:\s*(.*)"
    r"|Tencentcloud images\((.*)\) were created\.\s*",
    re.S,
)
_PAIR = re.compile(r"([a-z]{2,}[a-z0-9-]*): ([a-z]{1,4}-[0-9a-z]{6,})")
_AZURE = re.compile(
    r"Azure\.ResourceManagement\.VMImage:.*?^"
    r"(?:ManagedImageId|OSDiskUri|ManagedImageSharedImageGalleryId): (\S+)",
    re.S | re.M,
)
_AZURE_GALLERY = re.compile(r"^ManagedImageSharedImageGalleryId: (\S+)", re.M)
_CHROOT = re.compile(r"Azure resources created:\n(/\S+(?:\n/\S+)*)\s*")
_SNAPSHOT = re.compile(r"A snapshot was created: '[^']*' \(ID: (\w+)\)(?: in regions '([^']*)')?")
_ORACLE = re.compile(r"An image was created: '[^']*' \(OCID: ([\w.-]+)\) in region '([^']*)'")
_SCALEWAY = re.compile(r"An image was created: '[^']*' \(ID: ([\w-]+)\) in zone '([^']*)'.*", re.S)
_NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        r"A disk image was created in the '[^']*' project: (\S+)",  # googlecompute
        r"A disk image was created: \S+ \(id: (\w+)\).*",  # yandex
        r"A disk image was created: (\S+)",  # googlecompute of Packer 1.6.6
        r"An image was created: ([\w-]+)",  # openstack
        r"A (?:template|VM|virtual machine) was created: (\d+)",  # proxmox
        r"Linode image: .* \((private/\d+)\)",
        r"Imported Docker image: (\S+)(?: with tags .*)?",
    )
)
_FILE = re.compile(r"Stored file: (\S.*)")
_EXPORTED = re.compile(r"Exported Docker file: (\S.*)")
_BOXES = re.compile(r"compressed artifacts in: (\S.*)|'[\w-]+' provider box: (\S.*)")
_FILES = re.compile(r"Created artifact from files: (\S.*)")
_FOLDER = re.compile(r"VM files in directory: (\S.*)")
# The whole text is the machine's name: builder/vsphere/common/artifact.go, nutanix.
_NAME_IS_ID = ("vsphere-iso", "vsphere-clone", "vsphere-supervisor", "nutanix")
_CONSTANT = ("", "VM", "Container", "Null", "File", "{}", "UNKNOWN ID")


def registry_link(text: str) -> str | None:
    """Return the path in HCP Packer's registry that a text of the summary names."""
    match = _REGISTRY.fullmatch(text)
    return match[1] if match else None


def parts(text: str, builder: str | None) -> list[Part]:
    """Return each artifact in one text of the summary; none if its form is not known."""
    text = text.strip()
    if registry_link(text) or "<sensitive>" in text:  # Packer masked an id: it is none
        return []
    return next((found for form in _FORMS if (found := list(form(text)))), []) or _named(
        text, builder
    )


def of_records(records: Sequence[tuple[str, ...]]) -> list[Part]:
    """Return the artifacts of `artifact,NUMBER,id,ID` records, of a builder of unknown words.

    https://developer.hashicorp.com/packer/docs/commands#machine-readable-output
    """
    ids = [fields[2] for fields in records if len(fields) > 2 and fields[1] == "id"]
    return [Part(each) for each in dict.fromkeys(ids) if each not in _CONSTANT]


def events(found: Sequence[Part], builder: str | None, name: str) -> list[Json]:
    """Return each artifact once, as in a manifest."""
    return [
        {
            "artifact_id": part.id[:2_000],
            "region": part.region,
            "builder_type": builder,
            "name": name,
            "files": [{"name": file} for file in part.files],
        }
        for part in dict.fromkeys(found)
    ]


def _null(text: str) -> Iterator[Part]:
    if text.startswith("Did not export anything"):
        yield Part("Null")


def _regional(text: str) -> Iterator[Part]:
    if match := _REGIONAL.fullmatch(text):
        for region, each in _PAIR.findall(match[1] or match[2] or ""):
            yield Part(each, region)


def _azure(text: str) -> Iterator[Part]:
    """Yield Azure's image; of a managed image the gallery's version too is the same image."""
    if match := _AZURE.match(text):
        yield Part(match[1])
    elif gallery := _AZURE_GALLERY.search(text):
        yield Part(gallery[1])
    elif chroot := _CHROOT.fullmatch(text):
        yield from map(Part, chroot[1].split("\n"))


def _places(text: str) -> Iterator[Part]:
    if match := _SNAPSHOT.fullmatch(text):
        for region in (match[2] or "").split(","):
            yield Part(match[1], region.strip() or None)
    elif match := _ORACLE.fullmatch(text) or _SCALEWAY.fullmatch(text):
        yield Part(match[1], match[2])


def _names(text: str) -> Iterator[Part]:
    for pattern in _NAMED:
        if match := pattern.fullmatch(text):
            yield Part(match[1])
            return


def _files(text: str) -> Iterator[Part]:
    if match := _FILE.fullmatch(text):
        yield Part("File", None, (match[1],))
    elif match := _EXPORTED.fullmatch(text):
        yield Part("Container", None, (match[1],))
    elif match := _BOXES.fullmatch(text):
        yield Part("", None, (match[1] or match[2],))
    elif match := _FILES.fullmatch(text):
        yield Part("", None, tuple(match[1].split(", ")))
    elif match := _FOLDER.fullmatch(text):
        yield Part("VM", None, (match[1],))


def _named(text: str, builder: str | None) -> list[Part]:
    is_name = builder in _NAME_IS_ID and re.fullmatch(r"[\w.+@() -]{1,200}", text)
    return [Part(text)] if is_name and ": " not in text else []


_FORMS: tuple[Callable[[str], Iterator[Part]], ...] = (
    *(_null, _regional, _azure, _places, _names, _files),
)
