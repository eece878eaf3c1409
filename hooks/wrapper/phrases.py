"""The messages of Packer itself, its SDK and its provisioners, and what they mean; pure.

Whole lines, from Packer 1.6.6 to 1.16.0 (github.com/hashicorp/packer: packer/build.go,
packer/provisioner*.go, provisioner/), packer-plugin-sdk 0.0.1 to 0.6.10 (communicator/,
multistep/commonsteps/, shell-local/), packer-plugin-ansible 0.0.1 to 1.1.6 and
github.com/rgl/packer-plugin-windows-update 0.13.0 to 0.18.4.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Step(NamedTuple):
    """A provisioner or post-processor that begins: the name of its stage and its type."""

    name: str
    component: str


CONNECTED = re.compile(
    r"Connected to (?:SSH|WinRM)!|Using (?:docker|podman|lxc|lxd) communicator to connect(?:: .*)?"
)
CLEANUP_PROVISIONER = "Provisioning step had errors: Running the cleanup provisioner, if present..."
# `-on-error=ask`: the step that failed; what is printed next is the answer's.
ASKED = re.compile(r'Step "\w+" failed')
# The message is a Go string in quotes, with \n for a line break.
RETRYING = re.compile(r'Provisioner failed with "(.*)", retrying with \d+ trie\(s\) left')
CONTINUED = re.compile(  # since 1.16.0
    r'Warning: Provisioner failed with "(.*)", but continue_on_error is set; continuing the build\.'
)
# hcp-sbom since 1.15.1: provisioner/hcp-sbom/provisioner.go
SBOM_FAILED = re.compile(
    r"(?:SBOM generation failed|Failed to (?:detect remote OS|download SBOM file"
    r"|process SBOM)): .*"
)
POST_PROCESSOR = re.compile(r"Running post-processor: +?(\S*)(?: \(type ([^)]+)\))?\s*$")
BY_HAND = re.compile(
    r".*(?:may still be around|(?:delete|remove|clean|terminate) .{0,60}manually"
    r"|please manually delete).*",
    re.I,
)
WINDOWS_UPDATE = "windows-update"
SBOM = "hcp-sbom"

_SCRIPT = re.compile(r"Provisioning with (shell|powershell|windows-shell) script: (.+)", re.I)
_LOCAL = re.compile(r"Running local shell script: (.+)")
# ansible, puppet, salt and others of one word; chef-client and chef-solo end without dots.
_WITH = re.compile(r"Provisioning with (?:(\w[\w-]*)\.\.\.|(chef-\w+|Converge|Goss|Ansible))")
_FILE = re.compile(r"(?:Uploading|Downloading) (\S.*) => \S.*")
# An inline script's temporary file (Go's os.CreateTemp); Packer may mask a part of its name.
_TEMPORARY = re.compile(
    r"(?:packer-shell|powershell-provisioner|windows-shell-provisioner)\d+(?:\.\w+)?"
    r"|.*<sensitive>.*\d{4,}(?:\.\w+)?"
)
_PREFACES = ("powershell", "windows-shell")  # the script's own line follows
_LINES = {
    "Restarting Machine": Step("Restarting the machine", "windows-restart"),
    "Uploading the Windows update elevated script...": Step("Windows updates", WINDOWS_UPDATE),
    "Running Windows update...": Step("Windows updates", WINDOWS_UPDATE),
    "Automatic SBOM generation enabled": Step("SBOM", SBOM),
}


def provisioner(text: str) -> Step | None:
    """Return the provisioner that begins with this message, by its script's name if it has one.

    >>> provisioner("Provisioning with shell script: scripts/base-config.sh")
    Step(name='base-config', component='shell')
    """
    if script := _SCRIPT.fullmatch(text):
        kind = script[1].lower()
        return Step(_script(script[2], f"{kind.capitalize()} script"), kind)
    if local := _LOCAL.fullmatch(text):
        return Step(_script(local[1], "Local shell script"), "shell-local")
    if tool := _WITH.fullmatch(text):
        name = tool[1] or tool[2]
        return None if name.lower() in _PREFACES else Step(name, name.lower())
    if file := _FILE.fullmatch(text):
        return Step(f"Uploading {file[1]}", "file")
    return _LINES.get(text)


def is_packers(text: str) -> bool:
    """Return whether Packer itself says this while a step runs: a script's words are others."""
    own = (CLEANUP_PROVISIONER, "retry limit reached.")
    return text in own or text.startswith("milepost: ") or ASKED.fullmatch(text) is not None


def post_processor(text: str) -> Step | None:
    """Return the post-processor that begins with this message.

    >>> post_processor("Running post-processor: notify (type shell-local)")
    Step(name='Post-processor notify', component='shell-local')
    """
    match = POST_PROCESSOR.fullmatch(text)
    if not match:
        return None
    kind = match[2] or match[1]
    return Step(f"Post-processor {match[1] or kind}", kind) if kind else None


def _script(path: str, anonymous: str) -> str:
    """Return a script's base name without its ending; a word for a temporary file."""
    name = re.split(r"[/\\]", path.strip())[-1]
    if _TEMPORARY.fullmatch(name):
        return anonymous
    return name.rpartition(".")[0] or name


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
