"""The messages of Packer's builders, provisioners and post-processors, and their meaning; pure.

The messages are those of Packer 1.6.6 and, where they differ, of its later plugins.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Step(NamedTuple):
    """A provisioner or post-processor that begins: the name of its stage and its type."""

    name: str
    component: str


CONNECTED = re.compile(
    r"Connected to (?:SSH|WinRM)!|Using (?:docker|podman|lxc|lxd) communicator to connect"
)
IMAGE = re.compile(
    r"Stopping the source instance|Creating (?:\w+ )?AMI \S+ from instance|Creating the AMI: "
    r"|Powering off machine|Generalizing machine|Capturing image"  # azure-arm
    r"|Deleting instance\.\.\.|Creating image\.\.\."  # googlecompute
    r"|Shutting down VM|Convert(?:ing)? VM (?:in)?to template|Importing VM .*Content Library"
    r"|Gracefully halting virtual machine|Halting the virtual machine|Converting hard drive"
    r"|Preparing to export machine|Exporting virtual machine|Compacting (?:all attached|the disk)"
    r"|Committing the container|Exporting the container"  # docker
    r"|Stopping server: |Creating the image: |Gracefully shutting down droplet|Stopping VM\b"
    r"|(?:Creating|Capturing|Registering|Exporting|Converting|Committing) (?:the |an? )?"
    r"(?:\w+ ){0,2}(?:AMI|image|snapshot|template)s?\b.*\.\.\.$"  # any other builder
)
CLEANUP_PROVISIONER = re.compile(r"Provisioning step had errors")
RETRYING = re.compile(r"Provisioner failed with (.*), retrying with \d+ trie\(s\) left")
POST_PROCESSOR = re.compile(r"Running post-processor: +?(\S*)(?: \(type ([^)]+)\))?\s*$")

_SCRIPT = re.compile(r"Provisioning with (shell|powershell|windows-shell) script: (.+)", re.I)
_LOCAL = re.compile(r"Running local shell script: (.+)")
_WITH = re.compile(r"Provisioning with (.+?)(?:\.\.\.|$)")
_UPLOAD = re.compile(r"Uploading (.+) => ")
_RESTART = re.compile(r"Restarting Machine")
_TEMPORARY = re.compile(r"(?:packer-shell|powershell-provisioner|script_|packer-windows-shell)\w+")
_PREFACES = ("powershell", "windows-shell", "windows shell")  # the script's own line follows


def provisioner(text: str) -> Step | None:
    """Return the provisioner that begins with this message, by its script's name if it has one."""
    if script := _SCRIPT.match(text):
        kind = script[1].lower()
        return Step(_script(script[2], f"{kind.capitalize()} script"), kind)
    if local := _LOCAL.match(text):
        return Step(_script(local[1], "Local shell script"), "shell-local")
    if tool := _WITH.match(text):
        name = tool[1].strip()
        return None if name.lower() in _PREFACES else Step(name, name.split()[0].lower())
    if upload := _UPLOAD.match(text):
        return Step(f"Uploading {upload[1]}", "file")
    return Step("Restarting the machine", "windows-restart") if _RESTART.match(text) else None


def is_anonymous(step: Step) -> bool:
    """Return whether the step is an inline script, which may name itself with its first line."""
    return step.name.endswith(" script")


def post_processor(text: str) -> Step | None:
    """Return the post-processor that begins with this message.

    >>> post_processor("Running post-processor: notify (type shell-local)")
    Step(name='Post-processor notify', component='shell-local')
    """
    match = POST_PROCESSOR.match(text)
    if not match:
        return None
    kind = match[2] or match[1]
    return Step(f"Post-processor {match[1] or kind}", kind)


def _script(path: str, anonymous: str) -> str:
    return anonymous if _TEMPORARY.search(re.split(r"[/\\]", path)[-1]) else path.strip()


_STAGE_MARKER = re.compile(r"milepost: stage (-|\d{1,3}) (\S.*)")
_FAILURE_MARKER = re.compile(r"milepost: fail (\{.*\})")
_MANIFEST_MARKER = re.compile(r"milepost: manifest (\S.*)")


def stage_marker(text: str) -> tuple[int | None, str] | None:
    """Return state (None for `-`) and name of the stage that a script names."""
    match = _STAGE_MARKER.match(text)
    if not match:
        return None
    state = None if match[1] == "-" else int(match[1])
    return None if state is not None and state > 100 else (state, match[2].strip()[:200])


def failure_marker(text: str) -> str | None:
    """Return the JSON of `milepost-hook fail` inside Packer."""
    match = _FAILURE_MARKER.match(text)
    return match[1] if match else None


def manifest_marker(text: str) -> str | None:
    """Return the path that `milepost-hook manifest` got inside Packer."""
    match = _MANIFEST_MARKER.match(text)
    return match[1].strip() if match else None


_FAILURE_TYPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "quota",
        re.compile(
            r"quota|limit ?exceeded|LimitExceeded|Insufficient\w*Capacity|capacity is not available"
            r"|SkuNotAvailable|ZONE_RESOURCE_POOL_EXHAUSTED|maximum (?:number|amount) of",
            re.I,
        ),
    ),
    (
        "credentials",
        re.compile(
            r"NoCredentialProviders|AuthFailure|UnauthorizedOperation|ExpiredToken|InvalidClientTok"
            r"|AuthorizationFailed|no valid credential|invalid_client|InvalidAuthenticationToken",
            re.I,
        ),
    ),
    (
        "connection timeout",
        re.compile(
            r"Timeout waiting for (?:SSH|WinRM)|Timeout waiting for IP|handshake failed", re.I
        ),
    ),
    ("disk full", re.compile(r"no space left on device|not enough (?:disk )?space", re.I)),
    ("post-processor", re.compile(r"Post-processor failed", re.I)),
)


def failure_type(message: str, phase: str) -> str:
    """Return the type of a failure, from its text or else from the phase."""
    kind = next((kind for kind, pattern in _FAILURE_TYPES if pattern.search(message)), None)
    return kind or {"provisioning": "provisioner", "post-processing": "post-processor"}.get(
        phase, "builder"
    )
