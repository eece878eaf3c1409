"""What the demo tells: its images, their stages, and what happened which night."""

from typing import NamedTuple


class Family(NamedTuple):
    """Images of one type; `base` is the type that they are built on."""

    project: str
    image_type: str
    os_versions: tuple[str, ...]
    platforms: tuple[str, ...]
    base: str = ""
    pace: float = 1.0  # how long its stages take, against STAGES
    every: int = 1  # nights from one build to the next
    newest: int = 0  # the night of its newest build, counted from the last one


class Story(NamedTuple):
    """What happened to images in some nights, counted from the last one, 0.

    `words` are their project, platform, OS version or type. `what` is the name of a cause, or
    missing, cancelled, running or slow.

    After a cause, `retried` says that a second attempt was good.
    """

    nights: tuple[int, ...]
    words: tuple[str, ...]
    what: str
    retried: bool = False


CLOUDS = ("aws", "azure", "gcp")
FAMILIES = (
    Family(
        "platform",
        "base",
        ("rhel-9.4", "ubuntu-22.04", "ubuntu-24.04", "windows-2022"),
        (*CLOUDS, "vsphere"),
        pace=0.8,
    ),
    Family("platform", "base", ("rhel-8.10",), ("aws", "vsphere"), pace=0.9),
    Family("platform", "hardened", ("rhel-9.4", "ubuntu-24.04"), CLOUDS, "base", pace=1.1),
    Family("data", "postgres", ("rhel-9.4", "ubuntu-24.04"), CLOUDS, "base"),
    Family("data", "hana", ("rhel-8.10", "rhel-9.4"), ("aws", "vsphere"), "base", pace=2.2),
    Family("data", "spark", ("ubuntu-22.04",), ("aws", "gcp"), "base", pace=1.3),
    Family("web", "nginx", ("rhel-9.4", "ubuntu-24.04"), (*CLOUDS, "vsphere"), "base", pace=0.7),
    Family("web", "tomcat", ("rhel-9.4",), ("aws", "azure", "vsphere"), "base", pace=0.9),
    Family("ci", "runner", ("ubuntu-24.04", "windows-2022"), CLOUDS, "base", pace=1.2),
    Family("ci", "gpu-runner", ("ubuntu-22.04",), CLOUDS, "base", pace=1.6),
    Family("desktop", "vdi", ("windows-2022",), ("azure", "vsphere"), "base", 2.0, every=7),
    Family("edge", "gateway", ("debian-12",), ("qemu", "vsphere"), every=7, newest=3),
)
OWNERS = {
    "platform": "Platform team, platform@example.com",
    "data": "Data services, data@example.com",
    "web": "Web team, web@example.com",
    "ci": "Build tools, ci@example.com",
    "desktop": "Workplace, desktop@example.com",
    "edge": "Edge team, edge@example.com",
}
_GITHUB = "https://github.example.com/acme/{project}-images/actions/runs/{run}/attempts/{try_}"
_GITLAB = "https://gitlab.example.com/acme/{project}-images/-/jobs/{run}{try_}"
_JENKINS = "https://jenkins.example.com/job/{project}-images/job/{image}/{run}{try_}/"
FORGES = {  # where the jobs of a project run
    "platform": _GITHUB,
    "ci": _GITHUB,
    "data": _GITLAB,
    "edge": _GITLAB,
    "web": _JENKINS,
    "desktop": _JENKINS,
}
BUILDERS = {
    "aws": "amazon-ebs",
    "azure": "azure-arm",
    "gcp": "googlecompute",
    "vsphere": "vsphere-iso",
    "qemu": "qemu",
}
REGIONS = {"aws": ("eu-central-1", "us-east-1"), "azure": ("westeurope",), "gcp": ("europe-west3",)}
ARTIFACTS = {  # the id of an image, as Packer's builders of the platform give it
    "aws": "ami-{id}",
    "azure": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/images/providers"
    "/Microsoft.Compute/images/{name}",
    "gcp": "{name}",
    "vsphere": "{name}",
    "qemu": "output/{name}.qcow2",
}
PEOPLE = ("nightly", "nightly", "nightly", "nightly", "ada", "lin")

# Name, state and usual seconds.
STAGES = (
    ("Launch", 5, 95),
    ("Base configuration", 15, 310),
    ("Cloud provider setup", 20, 80),
    ("Security baseline", 25, 520),
    ("Monitoring and logging", 30, 130),
    ("Network", 40, 55),
    ("Users and authentication", 50, 85),
    ("Application", 60, 480),
    ("Integration tests", 70, 260),
    ("Final validation", 90, 75),
    ("Sealing and cleanup", 95, 210),
)

STORIES = (
    Story((0,), ("vsphere", "rhel-9.4"), "no-route"),
    Story((0,), ("vsphere", "ubuntu-24.04"), "no-route"),
    Story((0,), ("vsphere", "rhel-8.10", "hana"), "no-route"),
    Story((2, 1, 0), ("gcp", "gpu-runner"), "gpus"),
    Story((3, 1, 0), ("aws", "rhel-8.10", "hana"), "oom"),
    Story((0,), ("azure", "nginx", "ubuntu-24.04"), "goss", retried=True),
    Story((0,), ("aws", "windows-2022", "runner"), "winrm", retried=True),
    Story((0,), ("azure", "postgres", "rhel-9.4"), "missing"),
    Story((0,), ("azure", "rhel-9.4", "hardened"), "cancelled"),
    Story((0,), ("azure", "windows-2022", "vdi"), "running"),
    Story((1,), ("ubuntu-24.04", "postgres"), "apt"),
    Story((1,), ("aws", "ubuntu-22.04", "gpu-runner"), "vcpu", retried=True),
    Story((3, 5), ("web", "azure"), "goss", retried=True),
    Story((4,), ("ubuntu-24.04", "gcp"), "apt", retried=True),
    Story((4,), ("ubuntu-22.04", "aws"), "apt"),
    Story((6,), ("rhel-9.4", "azure"), "dnf"),
    Story((6,), ("rhel-9.4", "aws"), "dnf", retried=True),
    Story((3, 10), ("edge", "qemu"), "ssh"),
    Story((8,), ("aws", "windows-2022"), "copy"),
    Story((9, 10), ("hardened", "ubuntu-24.04"), "cis"),
    Story((9,), ("web", "rhel-9.4", "aws"), "cancelled"),
    Story((11,), ("azure", "ci"), "azure-quota"),
    Story((12,), ("aws", "runner", "ubuntu-24.04"), "ssh", retried=True),
    Story((3, 2, 1, 0), ("aws", "rhel-9.4", "hana"), "slow"),
    Story((2, 1, 0), ("gcp", "rhel-9.4", "postgres"), "slow"),
)
LIVE = (  # builds that move while somebody looks; each begins when another one ends
    ("platform", "gcp", "windows-2022", "base"),
    ("ci", "azure", "windows-2022", "runner"),
    ("web", "gcp", "rhel-9.4", "nginx"),
    ("data", "aws", "ubuntu-22.04", "spark"),
    ("ci", "azure", "ubuntu-22.04", "gpu-runner"),
    ("platform", "gcp", "ubuntu-24.04", "hardened"),
)
REVOKED = (  # an image, the night of its build, and why
    ("platform", "aws", "ubuntu-24.04", "base"),
    5,
    "CVE-2026-1847 in openssl 3.0.13: use a build of a later night",
)
ACKNOWLEDGED = ("GPUS_ALL_REGIONS", "Asked for 16 GPUs more, ticket 4711")
