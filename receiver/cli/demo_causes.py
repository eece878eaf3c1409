"""Why builds of the demo fail.

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


class Cause(NamedTuple):
    """Why a stage fails; `{host}`, `{id}` and `{seconds}` vary."""

    stage: str
    type: str
    component: str
    message: str
    log: tuple[str, ...] = ()
    only: str = ""  # the platform, or the beginning of the OS version, that it is of


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
        only="rhel",
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
        only="ubuntu",
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
        only="rhel",
    ),
    "ssh": Cause("Launch", "timeout", "packer", "Timeout waiting for SSH."),
    "winrm": Cause(
        "Launch",
        "timeout",
        "packer",
        "Timeout waiting for WinRM.",
        only="windows",
    ),
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
        only="aws",
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
        only="gcp",
    ),
    "azure-quota": Cause(
        "Launch",
        "quota",
        "azure-arm",
        "-> QuotaExceeded : Operation could not be completed as it results in exceeding approved"
        " standardDSv5Family Cores quota.",
        only="azure",
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
        only="aws",
    ),
}
