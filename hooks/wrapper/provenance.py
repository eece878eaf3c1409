"""Where a build comes from: names, Packer's version and plugins, the template's state.

Nothing of this may delay or break a build: the programs that are asked have seconds, and what is
not known is left out.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hooks.client import Json
from hooks.wrapper import variables
from hooks.wrapper.template import Template

SECONDS = 3.0  # for all programs together
MAX_PLUGINS = 100
MAX_NAME = 200
MAX_BYTES = 2**20  # of a template or var-file

_ENDING = re.compile(r"(?:\.(?:pkr|pkrvars))?\.(?:hcl|json)$")
_VERSION = re.compile(r"Packer v(\d[\w.+-]*)")
# `packer plugins installed` prints a path for each: …/packer-plugin-amazon_v1.3.2_x5.0_linux_amd64
_PLUGIN = re.compile(
    r"((?:[\w-]+\.[\w.-]+/[\w.-]+/[\w.-]+(?=/))|(?<=/)packer-plugin-[\w-]+(?=_v))"
    r"(?:/packer-plugin-[\w-]+)?_v(\d[\w.+-]*?)_x"
)


def names(target: str, template: Template, arguments: Sequence[str]) -> Json:
    """Return the raw names from which the image may be recognised, by place."""
    files = [Path(value).name for _, value in variables.flags(arguments, "var-file")]
    path = template.path
    is_folder = path.is_dir()
    folder = (path if is_folder else path.parent).absolute().name
    found = {
        "target": target,
        "template": None if is_folder else path.name,
        "var_file": ", ".join(files),
        "folder": folder,
    }
    return {name: text[:MAX_NAME] for name, text in found.items() if text}


def number_parts(template: Template, arguments: Sequence[str]) -> list[str]:
    """Return the names of var-files and template where there are others beside them.

    A loop over the files of a folder makes a build of each, though the targets have one name.
    """
    files = [Path(value) for _, value in variables.flags(arguments, "var-file")]
    if template.path.is_file():
        files.append(template.path)
    return [_stem(file) for file in files if _has_siblings(file)]


def _stem(file: Path) -> str:
    match = _ENDING.search(file.name)
    return file.name.removesuffix(match[0]) if match else file.name


def _has_siblings(file: Path) -> bool:
    kind = _kind(file)
    try:
        found = [each for each in file.absolute().parent.iterdir() if _kind(each) == kind]
    except OSError:
        return False
    return bool(kind) and len(found) > 1


def _kind(file: Path) -> str:
    """Return what a file is by its ending, of other JSON by its keys; '' for a manifest."""
    match = _ENDING.search(file.name)
    if not match or match[0] != ".json":
        return match[0] if match else ""
    try:
        if file.stat().st_size > MAX_BYTES or not file.is_file():
            return ""
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    if not isinstance(document, dict) or "last_run_uuid" in document:
        return ""
    return "template" if "builders" in document else "variables"


def run_details(packer: str, template: Template, env: Mapping[str, str]) -> Json:
    """Return the fields of the envelope's `run` that say how the image was made.

    A Packer that is a script of somebody's own is not asked: it may do anything.
    """
    end = time.monotonic() + SECONDS
    quiet = {**env, "CHECKPOINT_DISABLE": "1", "GIT_OPTIONAL_LOCKS": "0"}
    texts = [
        _output([packer, *words], quiet, end) or "" if _is_program(packer) else ""
        for words in (["version"], ["plugins", "installed"])
    ]
    version, plugins = _VERSION.search(texts[0]), _PLUGIN.findall(texts[1])
    found = {
        "packer_version": version[1] if version else None,
        "plugins": dict(plugins[:MAX_PLUGINS]) if plugins else None,
        "template_sha256": template.digest or None,
        "dirty": _is_dirty(template.folder, quiet, end) if template.is_read else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _is_program(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(2) != b"#!"
    except OSError:
        return False


def _is_dirty(folder: Path, env: Mapping[str, str], end: float) -> bool | None:
    """Return whether git sees a change below the template's folder; None outside of git."""
    command = ["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=normal", "."]
    text = _output(command, env, end)
    return None if text is None else bool(text.strip())


def _output(command: Sequence[str], env: Mapping[str, str], end: float) -> str | None:
    """Return what a program prints; None if it fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=max(0.1, end - time.monotonic()),
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return None if done.returncode else done.stdout.decode("utf-8", "replace")
