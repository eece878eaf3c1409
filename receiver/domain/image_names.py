"""Read operating system, image type, builder and architecture out of any name, or nothing.

One name may be Packer's source, a file, a folder or a CI's job: `golden.amazon-ebs.rhel9-base`,
`ubuntu-22.04-arm64.pkrvars.hcl`, "Amazon Linux 2 CIS hardening". Where a name leaves a doubt, such
as two systems or two types, nothing is read from it: a wrong name does more harm than none.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import msgspec

from receiver.domain.os_names import DOUBT, END, START, Os, systems

LONGEST = 400  # characters of a name that are read

# Types of builders, as sources of templates and manifests have them: the components of the plugins
# at https://developer.hashicorp.com/packer/integrations.
_BUILDERS = (
    "alicloud-ecs amazon-chroot amazon-ebs amazon-ebssurrogate amazon-ebsvolume amazon-instance "
    "anka-vm-clone anka-vm-create arm azure-arm azure-chroot azure-dtl cloudstack digitalocean "
    "docker file googlecompute googlecompute-export hcloud hyperone hyperv-iso hyperv-vmcx "
    "ibmcloud-classic ibmcloud-vpc incus jdcloud ksyun-kec libvirt linode lxc lxd ncloud null "
    "nutanix openstack oracle-classic oracle-oci outscale-bsu outscale-bsusurrogate outscale- "
    "bsuvolume parallels-ipsw parallels-iso parallels-macvm parallels-pvm profitbricks proxmox "
    "proxmox-clone proxmox-iso qemu scaleway tart-cli tencentcloud-cvm triton ucloud-uhost "
    "upcloud utm-clone utm-iso vagrant virtualbox-iso virtualbox-ovf virtualbox-vm vmware-iso "
    "vmware-vmx vsphere-clone vsphere-iso vsphere-supervisor vultr yandex"
)
BUILDERS = frozenset(_BUILDERS.split())
_TWO_WORDS = re.compile(START + f"(?:{'|'.join(b for b in BUILDERS if '-' in b)})" + END)
_ARCHITECTURES = tuple(  # as AWS spells them
    (name, re.compile(START + f"(?:{words})" + END))
    for name, words in (
        ("x86_64", r"amd64|x64"),
        ("arm64", r"arm64(?:v8)?|aarch64"),
        ("i386", r"i[3-6]86|x86"),
        ("ppc64le", r"ppc64(?:le|el)"),
        ("s390x", r"s390x"),
        ("riscv64", r"riscv64"),
    )
)
# A type of image, and the words that mean it.
_TYPES = {
    "base": "base",
    "minimal": "minimal",
    "hardened": "hardened hardening harden",
    "cis": "cis",
    "stig": "stig",
    "desktop": "desktop",
    "workstation": "workstation",
    "docker": "docker",
    "k8s": "k8s kubernetes kube",
    "eks": "eks",
    "ecs": "ecs",
    "aks": "aks",
    "gke": "gke",
    "gpu": "gpu",
    "cuda": "cuda",
    "hpc": "hpc",
    "hana": "hana",
    "sap": "sap",
    "sql": "sql mssql sqlserver",
    "mysql": "mysql",
    "mariadb": "mariadb",
    "postgres": "postgres postgresql pgsql",
    "mongodb": "mongodb mongo",
    "redis": "redis",
    "kafka": "kafka",
    "elasticsearch": "elasticsearch",
    "rabbitmq": "rabbitmq",
    "database": "database db",
    "web": "web webserver",
    "nginx": "nginx",
    "apache": "apache httpd",
    "iis": "iis",
    "tomcat": "tomcat",
    "wordpress": "wordpress",
    "haproxy": "haproxy",
    "bastion": "bastion jumpbox jumphost",
    "jenkins": "jenkins",
    "runner": "runner",
    "vault": "vault",
    "consul": "consul",
    "nomad": "nomad",
    "vpn": "vpn",
    "splunk": "splunk",
    "monitoring": "monitoring",
}
_TYPE_OF = {word: name for name, words in _TYPES.items() for word in words.split()}
_ROLES = frozenset(("master", "agent", "controller", "worker", "node", "client", "manager"))

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ENDING = re.compile(r"(?:\.auto)?(?:\.pkrvars|\.pkr)?\.(?:hcl|json|ya?ml|tfvars)(?![\w.])")
_X86 = re.compile(r"x86[-_]64")
_UNDERSCORE = re.compile(r"(?<!\d)(\d{1,2})_(?=\d{1,2}(?!\d))")  # HCL's names hold no dot
_BREAK = re.compile(r"(?<!\d)\.|\.(?!\d)|[^a-z0-9.]+")
# The machine that a job runs on is not the image it makes; nor is a package of a system.
_BEFORE = re.compile(r"(?:^|-)(?:on|wsl2?)-\Z")
_AFTER = re.compile(r"-(?:latest|packages?)(?![a-z])")
# A second version, as in "ubuntu 20.04 to 22.04".
_MORE = re.compile(r"-(?:to|and|or|vs)-v?\d|-(?:1[2-9]|2\d)\.(?:04|10)(?![\d.])")


class Reading(msgspec.Struct, frozen=True):
    """What a name tells. `family` is "rhel"; `version` "9" or None; `builder` a type of Packer's
    builders."""

    family: str | None = None
    version: str | None = None
    image_type: str | None = None
    builder: str | None = None
    architecture: str | None = None

    @property
    def os_version(self) -> str | None:
        """The system in its one spelling: "rhel-9", or "rhel" where its version is not told."""
        if self.family and self.version:
            return f"{self.family}-{self.version}"
        return self.family


@lru_cache(maxsize=4096)  # a build is folded with each of its reports, a job's name is every run's
def read(name: str) -> Reading:
    """Return what a name tells.

    >>> read("golden.amazon-ebs.RHEL9_base").os_version
    'rhel-9'
    """
    name = name[:LONGEST]
    builder = _builder(name)
    normal = _normal(name)
    found = [each for each in systems(normal) if not _is_aside(normal, each)]
    family, version = _one_system([] if _tells_more(normal, found) else found)
    return Reading(
        family=family,
        version=version,
        image_type=_image_type(normal, found, builder),
        builder=builder,
        architecture=_architecture(normal),
    )


def _normal(name: str) -> str:
    """Return a name in small letters with "-" between its words and dots in its numbers only."""
    name = _CAMEL.sub("-", _ENDING.sub("", name)).lower()
    return _BREAK.sub("-", _UNDERSCORE.sub(r"\1.", _X86.sub("amd64", name)))


def _builder(name: str) -> str | None:
    """Return the builder in one of Packer's names of a source: "golden.amazon-ebs.rhel9"."""
    found = {part for part in name.split(".") if part in BUILDERS}
    return found.pop() if len(found) == 1 else None


def _is_aside(name: str, found: Os) -> bool:
    start, end = found.span
    is_after = not found.version and _AFTER.match(name, end) is not None
    return is_after or _BEFORE.search(name, 0, start) is not None


def _tells_more(name: str, found: Iterable[Os]) -> bool:
    """Return whether another version follows one; "jammy-22.04" tells the same one twice."""
    return any(
        each.version
        and _MORE.match(name, each.span[1])
        and not name.startswith(f"-{each.version}", each.span[1])
        for each in found
    )


def _one_system(found: Sequence[Os]) -> tuple[str | None, str | None]:
    """Return family and version; none where a name tells two."""
    families = {each.family for each in found}
    if len(families) != 1 or DOUBT in families:
        return None, None
    versions = sorted({each.version for each in found if each.version}, key=len)
    if any(not f"{versions[-1]}.".startswith(f"{each}.") for each in versions):
        return None, None
    return found[0].family, versions[-1] if versions else None


def _image_type(name: str, found: Iterable[Os], builder: str | None) -> str | None:
    """Return the one type that a name tells beside its system and its builder."""
    letters = list(name)
    spans = [each.span for each in found] + [each.span() for each in _TWO_WORDS.finditer(name)]
    for start, end in spans:
        letters[start:end] = "-" * (end - start)
    words = [word for word in "".join(letters).split("-") if word]
    if builder in words:  # docker, vagrant
        words.remove(builder)
    types = {
        f"{_TYPE_OF[word]}-{after}" if after in _ROLES else _TYPE_OF[word]
        for word, after in pairwise([*words, ""])
        if word in _TYPE_OF
    }
    if len(types) > 1:
        types.discard("hardened")  # as the benchmarks of CIS and STIG do
    return types.pop() if len(types) == 1 else None


def _architecture(name: str) -> str | None:
    found = {each for each, pattern in _ARCHITECTURES if pattern.search(name)}
    return found.pop() if len(found) == 1 else None
