"""Why a build failed: the line that tells the cause, and the type of the failure; pure.

Packer's own words are often no more than "Script exited with non-zero exit status: 4"
(packer-plugin-sdk shell-local/run.go, packer provisioner/shell): the cause is in what the script
printed last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MAX_HEADLINE = 500

# What Packer says of a program that failed; the words say nothing of the cause.
_GENERIC = re.compile(
    r"(?:.*: )?(?:Script (?:exited with non-zero|disconnected)|Error (?:executing|running) "
    r"(?:Ansible|Chef|Puppet|salt)|.*\bNon-zero exit status|Process exited with status"
    r"|exit status \d+|Windows update script exited|Bad exit status"
    r"|polling failed: the Azure API returned|.*Code[:=] ?\"DeploymentFailed\").*",
    re.I,
)
# hashicorp/go-multierror's words, without a cause: "1 error(s) occurred:", then a list.
_COUNT = re.compile(r"\d+ errors?(?:\(s\))? occurred:\s*\* ?")
# What Azure's builder prints of a deployment, the cause last: azure_error_response.go
_DEPLOYMENT = re.compile(r"ERROR:\s*-+>+\s*(?!DeploymentFailed\b)(\w+ ?: \S.*)")
_ANSIBLE = re.compile(r"(?:fatal: \[[^\]]*\]|failed: \[[^\]]*\]).*")
_IGNORED = re.compile(r"\.\.\.ignoring")
_ERROR_LINE = re.compile(
    r"(?:^|[^\w-])(?:E:|ERROR|Error|error:|FATAL|fatal|FAILED|[Ff]ailed|failure|[Cc]annot|"
    r"[Cc]ould not|[Cc]ouldn't|[Uu]nable to|[Dd]enied|[Nn]ot found|No such|No space left|"
    r"Traceback|Exception|[Tt]imed out|[Nn]o package|unbound variable|syntax error|Killed|panic:"
    r"|ERR!)"
    r"(?:\b|(?<=[:!]))|\b[A-Za-z_.]+(?:Error|Exception)\b|^[✖✗×] "
)
_RECAP = re.compile(
    r"PLAY RECAP|\bfailed=\d|\bfailed: 0\b|\b0 (?:errors?|failed|failures)\b"
    r"|^(?:Profile|Test) Summary"
)
# What a program says behind its error: apt, yum, make, npm, Python, PowerShell.
_AFTERTHOUGHT = re.compile(
    r"E: Unable to fetch some archives|N: |Error: Nothing to do|make(?:\[\d+\])?: \*\*\* "
    r"|npm (?:ERR!|error) (?:A complete log|errno\b|code\b|\s+/)|Traceback \(|\+ "
    r"|goroutine \d"
)
# Windows PowerShell names the place behind the error, PowerShell 7 the error behind the place:
# https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_preference_variables#errorview
_PLACE = re.compile(r"At (?:line|.+\.ps[md]?1):\d+ char:\d+")
_CONCISE = re.compile(r"\s*\| +([^~\s].*)")

# In this order: what is nearest to a cause first. Codes of AWS (SDK 1 and 2), Azure
# (builder/azure/arm/azure_error_response.go prints "-> CODE : …"), Google and OpenStack.
_TYPES: tuple[tuple[str, str], ...] = (
    (
        "quota",
        r"quota|limit ?exceeded|LimitExceeded|Insufficient\w*Capacity|capacity is not available"
        r"|SkuNotAvailable|ZONE_RESOURCE_POOL_EXHAUSTED|maximum (?:number|amount) of"
        r"|AllocationFailed|RequestLimitExceeded|No valid host was found|rate limit"
        r"|Rate ?exceeded|TooManyRequests"
        r"|will exceed your|server limit reached|resource_limit_exceeded|resource_unavailable"
        r"|out of host capacity",
    ),
    (
        "credentials",
        r"NoCredentialProviders|AuthFailure|UnauthorizedOperation|ExpiredToken|InvalidClientTok"
        r"|AuthorizationFailed|no valid credential|invalid_client|InvalidAuthenticationToken"
        r"|failed to refresh cached credentials|no EC2 IMDS role found|get credentials:"
        r"|SignatureDoesNotMatch|InvalidAccessKeyId|AccessDenied|UnrecognizedClient"
        r"|could not find default credentials|invalid_grant|PERMISSION_DENIED|Error 40[13]\b"
        r"|AADSTS\d+|LinkedAuthorizationFailed|\bInvalid ?Credentials|incorrect user ?name"
        r"|Cannot complete login|authentication (?:required|failure)|\b401 Unauthorized"
        r"|unable to authenticate|RequestExpired|NoPermission\b|NotAuthenticated|NotAuthorized"
        r"|Permission to perform this operation was denied|Forbidden\.RAM",
    ),
    (
        "disk",
        r"no space left on device|not enough (?:disk )?space|disk (?:is )?full|ENOSPC"
        r"|insufficient disk space",
    ),
    (
        "timeout",
        r"Timeout waiting for|(?<!i/o )(?<!connection )\btimed? ?out\b|deadline exceeded"
        r"|timeout while waiting|exceeded wait attempts|exceeded max wait time"
        r"|Cancelling provisioner after a timeout",
    ),
    (
        "network",
        r"no such host|connection (?:refused|reset)|could(?: not|n't) resolve|name resolution"
        r"|(?:name|host) could not be resolved|unable to resolve host|Name or service not known"
        r"|\bCurl error \((?:5|6|7|28|35|52|56)\)|\bcurl: \((?:5|6|7|28|35|52|56)\)"
        r"|E: Failed to fetch|certificate verify failed"
        r"|network is unreachable|no route to host|TLS handshake|handshake failed|EOF$"
        r"|Failed to connect to|Temporary failure|i/o timeout|certificate (?:has expired|signed)"
        r"|connection timed out|server misbehaving|bad response code",
    ),
)
_FAILURE_TYPES = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _TYPES)
_POST_PROCESSOR = re.compile(r"Post-processor failed", re.I)

_PLUGIN = re.compile(
    r"Missing plugins?|Unknown (?:source|builder|provisioner|post-processor|data ?source)"
    r"|Failed to (?:initialize build|discover installed plugins)|plugin.{0,80}(?:not found|"
    r"could not be|incompatible|protocol|checksum|failed to start)|unrecogni[sz]ed remote plugin"
    r"|Plugin loading|API version",
    re.I,
)
_DIAGNOSTIC = re.compile(r"(?:Error: ?)(.*)")


def kind_of(text: str, phase: str) -> str:
    """Return the type of a failure, from its words or else from the phase."""
    kind = next((kind for kind, pattern in _FAILURE_TYPES if pattern.search(text)), None)
    if kind:
        return kind
    if _POST_PROCESSOR.search(text):
        return "post-processor"
    return {"provisioning": "provisioner", "post-processing": "post-processor"}.get(
        phase, "builder"
    )


def early_kind_of(text: str) -> str:
    """Return the type of a failure before the first build: of a plugin, else of the template."""
    kind = next((kind for kind, pattern in _FAILURE_TYPES if pattern.search(text)), "")
    return "plugin" if _PLUGIN.search(text) else kind or "template"


def explained(message: str, words: Iterable[str]) -> str:
    """Return Packer's message, behind the line of a script that tells the cause, if there is one.

    `words` is what the failed step printed.
    """
    if counted := _COUNT.match(message):
        message = message[counted.end() :]
    head = message.partition("\n")[0]
    if not _GENERIC.fullmatch(head):
        return message
    cause = _cause(list(words))
    return f"{cause[:MAX_HEADLINE]}\n{message}" if cause else message


def _cause(words: Sequence[str]) -> str:
    ansible = ""
    for number, line in enumerate(words):
        if match := _ANSIBLE.search(line):
            is_ignored = any(_IGNORED.search(each) for each in words[number + 1 : number + 2])
            ansible = ansible if is_ignored else match[0]
    if ansible:
        return ansible.strip()
    if deployment := [match[1] for line in words if (match := _DEPLOYMENT.match(line))]:
        return deployment[-1]
    lines = [line.strip(" \t│") for line in words if not _GENERIC.fullmatch(line)]
    lines = [line for line in lines if line]
    if found := _powershell(lines):
        return found
    errors = [line for line in lines if _ERROR_LINE.search(line) and not _RECAP.search(line)]
    causes = [line for line in errors if not _AFTERTHOUGHT.match(line)]
    return (causes or errors or lines or [""])[-1]


def _powershell(lines: Sequence[str]) -> str:
    """Return the last error of a PowerShell script; '' without one."""
    for number in reversed(range(1, len(lines))):
        if _PLACE.match(lines[number]):
            return lines[number - 1]
        is_concise = any(each.startswith("Line |") for each in lines[max(0, number - 4) : number])
        if is_concise and (match := _CONCISE.fullmatch(lines[number])):
            return match[1]
    return ""


def summary(lines: Iterable[str]) -> str:
    """Return Packer's words about a run that ended before its first build.

    They begin with the first error; a stack or a usage text before it says less.
    """
    texts = [line.rstrip() for line in lines]
    first = next((i for i, text in enumerate(texts) if _DIAGNOSTIC.match(text)), 0)
    found = [text for text in texts[first:] if text.strip()]
    if found and found[0].strip() == "Error:":
        found = found[1:]
    return "\n".join(found)
