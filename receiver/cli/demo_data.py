"""What the demo tells: its images, their stages, causes of failures, and what happened which night.

The lines of logs have the forms of the programs themselves:
apt: https://salsa.debian.org/apt-team/apt/-/blob/main/apt-private/private-install.cc
dnf: https://github.com/rpm-software-management/librepo/blob/master/librepo/yum.c
Ansible: https://github.com/ansible/ansible/blob/devel/lib/ansible/plugins/callback/default.py
Packer: https://github.com/hashicorp/packer-plugin-sdk/tree/main/communicator
AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
Google: https://cloud.google.com/compute/resource-usage
Azure: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-resource-quota
"""

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


class Cause(NamedTuple):
    """Why a stage fails; `{host}`, `{id}` and `{seconds}` vary."""

    stage: str
    type: str
    component: str
    message: str
    log: tuple[str, ...] = ()


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

_UNREACHABLE = (
    "Failed to connect to the host via ssh: ssh: connect to host {host} port 22: No route to host"
)
_MIRROR = "https://mirror.example.com/rhel/9/baseos/repodata/repomd.xml (IP: {host})"
CAUSES = {
    "no-route": Cause(
        "Security baseline",
        "network",
        "ansible",
        'fatal: [default]: UNREACHABLE! => {{"changed": false, "msg": "' + _UNREACHABLE + '", '
        '"unreachable": true}}',
        (
            "TASK [Gathering Facts] *********************************************************",
            'fatal: [default]: UNREACHABLE! => {{"changed": false, "msg": "' + _UNREACHABLE + '", '
            '"unreachable": true}}',
            "PLAY RECAP *********************************************************************",
            "default : ok=0 changed=0 unreachable=1 failed=0 skipped=0 rescued=0 ignored=0",
        ),
    ),
    "cis": Cause(
        "Security baseline",
        "provisioner",
        "ansible",
        'fatal: [default]: FAILED! => {{"changed": false, "msg": "Unable to restart service auditd:'
        ' Job for auditd.service failed because the control process exited with error code."}}',
        (
            "TASK [cis : 4.1.1.2 Ensure auditd service is enabled] **************************",
            'fatal: [default]: FAILED! => {{"changed": false, "msg": "Unable to restart service'
            " auditd: Job for auditd.service failed because the control process exited with error"
            ' code."}}',
            "PLAY RECAP *********************************************************************",
            "default : ok=87 changed=41 unreachable=0 failed=1 skipped=12 rescued=0 ignored=0",
        ),
    ),
    "apt": Cause(
        "Base configuration",
        "network",
        "shell",
        "E: Failed to fetch http://archive.ubuntu.com/ubuntu/pool/main/o/openssl/"
        "libssl3t64_3.0.13-0ubuntu3.4_amd64.deb  503  Service Unavailable [IP: {host} 80]",
        (
            "Err:41 http://archive.ubuntu.com/ubuntu noble-updates/main amd64 libssl3t64 amd64"
            " 3.0.13-0ubuntu3.4",
            "  503  Service Unavailable [IP: {host} 80]",
            "Fetched 88.1 MB in {seconds}s (1,204 kB/s)",
            "E: Failed to fetch http://archive.ubuntu.com/ubuntu/pool/main/o/openssl/"
            "libssl3t64_3.0.13-0ubuntu3.4_amd64.deb  503  Service Unavailable [IP: {host} 80]",
            "E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?",
        ),
    ),
    "dnf": Cause(
        "Base configuration",
        "network",
        "shell",
        "Error: Failed to download metadata for repo 'baseos': Cannot download repomd.xml: Cannot"
        " download repodata/repomd.xml: All mirrors were tried",
        (
            "Errors during downloading metadata for repository 'baseos':",
            "  - Status code: 503 for " + _MIRROR,
            "Error: Failed to download metadata for repo 'baseos': Cannot download repomd.xml:"
            " Cannot download repodata/repomd.xml: All mirrors were tried",
        ),
    ),
    "ssh": Cause("Launch", "timeout", "packer", "Timeout waiting for SSH."),
    "winrm": Cause("Launch", "timeout", "packer", "Timeout waiting for WinRM."),
    "vcpu": Cause(
        "Launch",
        "quota",
        "amazon-ebs",
        "Error launching source instance: VcpuLimitExceeded: You have requested more vCPU capacity"
        " than your current vCPU limit of 64 allows for the instance bucket that the specified"
        " instance type belongs to.",
        (
            "==> amazon-ebs.image: Launching a source AWS instance...",
            "==> amazon-ebs.image: Error launching source instance: VcpuLimitExceeded: You have"
            " requested more vCPU capacity than your current vCPU limit of 64 allows for the"
            " instance bucket that the specified instance type belongs to.",
            "==> amazon-ebs.image: Deleting temporary security group...",
            "==> amazon-ebs.image: Deleting temporary keypair...",
        ),
    ),
    "gpus": Cause(
        "Launch",
        "quota",
        "googlecompute",
        "Error creating instance: googleapi: Error 403: Quota 'GPUS_ALL_REGIONS' exceeded."
        " Limit: 8.0 globally., quotaExceeded",
        (
            "==> googlecompute.image: Creating instance...",
            "==> googlecompute.image: Error creating instance: googleapi: Error 403: Quota"
            " 'GPUS_ALL_REGIONS' exceeded. Limit: 8.0 globally., quotaExceeded",
            "Build 'googlecompute.image' errored after {seconds} seconds: Error creating instance",
        ),
    ),
    "azure-quota": Cause(
        "Launch",
        "quota",
        "azure-arm",
        "-> QuotaExceeded : Operation could not be completed as it results in exceeding approved"
        " standardDSv5Family Cores quota.",
    ),
    "oom": Cause(
        "Application",
        "provisioner",
        "shell",
        "hdblcm: installer exited with 137 after {seconds} s",
        (
            "Installing SAP HANA Database...",
            "Out of memory: Killed process 4121 (hdblcm) total-vm:48210412kB",
            "hdblcm: installer exited with 137 after {seconds} s",
            "==> amazon-ebs.image: Script exited with non-zero exit status: 137",
        ),
    ),
    "goss": Cause(
        "Integration tests",
        "test",
        "goss",
        "Count: 148, Failed: 2, Skipped: 0",
        (
            "Port: tcp:443: listening:",
            "Expected",
            "    false",
            "to equal",
            "    true",
            "Total Duration: {seconds}s",
            "Count: 148, Failed: 2, Skipped: 0",
        ),
    ),
    "copy": Cause(
        "Sealing and cleanup",
        "timeout",
        "amazon-ebs",
        "Error waiting for AMI: Failed with ResourceNotReady error, which can have a variety of"
        " causes: exceeded wait attempts",
    ),
}

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
