"""Which line tells why a step failed, and of which type a failure is: what programs and clouds say.

Texts of apt, dnf, npm, pip, make, Windows PowerShell and PowerShell 7, InSpec, and of the SDKs of
clouds as they are printed in their issues and documentation.
"""

import pytest

from hooks.wrapper.failures import explained, kind_of

EXITED = "Script exited with non-zero exit status: 1. Allowed exit codes are: [0]"
CAUSES = {
    "apt: the file, not the advice": (
        [
            "E: Failed to fetch http://deb.example.com/x.deb  404  Not Found [IP: 192.0.2.1 80]",
            "E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?",
        ],
        0,
    ),
    "apt: no note": (
        ["E: The repository 'http://x InRelease' is not signed.", "N: See apt-secure(8), or fail"],
        0,
    ),
    "yum: the package": (["No package foo available.", "Error: Nothing to do"], 0),
    "npm: not its log": (
        [
            "npm ERR! code E404",
            "npm ERR! 404 Not Found - GET https://registry.example.com/foo",
            "npm ERR! A complete log of this run can be found in:",
            "npm ERR!     /root/.npm/_logs/2026.log",
        ],
        1,
    ),
    "make: the compiler": (
        ["x.c:3:5: error: 'y' undeclared", "make: *** [Makefile:3: x] Error 1"],
        0,
    ),
    "Python: its last line": (
        [
            "Traceback (most recent call last):",
            '  File "x.py", line 1',
            "ModuleNotFoundError: No foo",
        ],
        2,
    ),
    "Go: the panic": (["panic: index out of range", "goroutine 1 [running]:", "main.main()"], 0),
    "Windows PowerShell: above the place": (
        [
            "foo.exe : The term 'foo.exe' is not recognized as the name of a cmdlet.",
            r"At C:\Windows\Temp\script-6a.ps1:3 char:1",
            "+ foo.exe",
            "    + FullyQualifiedErrorId : CommandNotFoundException",
        ],
        0,
    ),
    "InSpec: the control": (
        ["  ✖  cis-1.1: expected nil to match", "Profile Summary: 0 controls, 1 control failure"],
        0,
    ),
    "a box of Terraform": (["╷", "│ Error: Unsupported argument", "│ ", "╵"], 1),
}
KINDS = {
    "api error VcpuLimitExceeded: You have requested more vCPU capacity": "quota",
    "api error SnapshotCreationPerVolumeRateExceeded: The maximum per volume rate": "quota",
    "creating this/these droplet(s) will exceed your droplet limit": "quota",
    "server limit reached (resource_limit_exceeded)": "quota",
    "500-InternalError, Out of host capacity.": "quota",
    "api error RequestExpired: Request has expired.": "credentials",
    "ServerFaultCode: Permission to perform this operation was denied.": "credentials",
    "401-NotAuthenticated, The required information was not provided": "credentials",
    "StatusCode: 403 Code: Forbidden.RAM": "credentials",
    "Timeout waiting for SSH.": "timeout",
    "exceeded max wait time for ImageAvailable waiter": "timeout",
    "dial tcp 192.0.2.1:443: i/o timeout": "network",
    "dial tcp: lookup ec2.eu-west-1.amazonaws.com: server misbehaving": "network",
    "ssh: connect to host 192.0.2.1 port 22: Connection timed out": "network",
    "[error downloading: bad response code: 404]": "network",
    "wget: unable to resolve host address 'x'": "network",
    "Curl error (6): Couldn't resolve host name": "network",
    "Insufficient disk space on datastore 'x'.": "disk",
    "AMI Name: 'golden' is used by an existing AMI: ami-0123": "builder",
}


@pytest.mark.parametrize(("words", "place"), CAUSES.values(), ids=CAUSES)
def test_the_line_that_tells_the_cause(words: list[str], place: int):
    assert explained(EXITED, words).splitlines() == [words[place].strip(" │"), EXITED]


def test_powershell_7_says_the_error_behind_its_place():
    words = ["Get-Item: C:\\x.ps1:3", "Line |", "   3 |  Get-Item C:\\none"]
    words += ["     |  ~~~~~~~~", "     | Cannot find path 'C:\\none' because it does not exist."]
    (cause, _) = explained(EXITED, words).splitlines()
    assert cause == "Cannot find path 'C:\\none' because it does not exist."


@pytest.mark.parametrize(("text", "kind"), KINDS.items())
def test_the_type_of_a_failure(text: str, kind: str):
    assert kind_of(text, "building") == kind


def test_a_count_of_errors_is_no_headline():
    """hashicorp/go-multierror, as Packer prints a post-processor's failure."""
    counted = "1 error(s) occurred:\n* Post-processor failed: Bad exit status: 1"
    words = ["Pushing: acme/golden:1", "denied: requested access to the resource is denied"]
    assert explained(counted, words).splitlines() == [words[1], counted.partition("* ")[2]]
    assert explained("2 errors occurred:\n\t* one\n\t* two", []) == "one\n\t* two"


@pytest.mark.parametrize(
    "message",
    [
        "polling failed: the Azure API returned the following error:",
        'Status=<nil> Code="DeploymentFailed" Message="At least one operation failed."',
    ],
)
def test_azure_says_the_cause_of_a_deployment_last(message: str):
    words = [
        "ERROR: -> DeploymentFailed : At least one resource deployment operation failed.",
        "ERROR:   -> Details",
        "ERROR:   -> QuotaExceeded : exceeding approved Cores quota.",
        "Deleting individual resources ...",
    ]
    text = explained(message, words)
    assert text.splitlines()[0] == "QuotaExceeded : exceeding approved Cores quota."
    assert kind_of(text, "building") == "quota"
