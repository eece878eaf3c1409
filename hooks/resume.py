"""`milepost-hook resume`: where the next attempt of a build begins, and from which artifact.

Packer destroys its machine, so an attempt may begin above 0 only from a kept artifact, or where
the user says that the machine was kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hooks import client, identity
from hooks.client import Deadline
from hooks.errors import HookError

Json = dict[str, Any]

RESUMES, FROM_START, NOTHING_LEFT = 0, 3, 4
NO_IDS = ("", "Null", "File", "VM", "Container")  # of builders whose artifacts are files


def run(options: Any, env: Mapping[str, str], deadline: Deadline) -> int:
    """Print the answer; the exit code is 0 unless --exit-code asks for more."""
    try:
        build = fetch(_number(options, env), env, deadline)
        found = answer(build, options.assume_kept)
    except HookError as error:
        print(f"milepost: {error}: from the beginning", file=sys.stderr)
        found = answer({}, assume_kept=False)
    _print(found, options)
    return found["exit_code"] if options.exit_code else 0


def answer(build: Json, assume_kept: bool) -> Json:
    """What to print of a build as the API shows it; pure.

    `state` is 0 where the next attempt starts from the beginning, 100 where nothing is left;
    `resume_state` is what the receiver knows; `artifact` is null unless it is safe.
    """
    resume = build.get("resume") or {}
    known = resume.get("state") if build else 0
    is_safe, is_done = bool(resume.get("safe")), bool(build) and known is None
    state = 100 if is_done else known if is_safe or assume_kept else 0
    artifact = resume.get("artifact") if is_safe and not is_done else None
    return {
        "build_number": build.get("build_number"),
        "state": state,
        "resume_state": known,
        "safe": is_safe,
        "artifact": artifact,
        "start_from": _start_from(artifact),
        "checksum": (artifact or {}).get("checksum"),
        "attempt": build.get("attempt"),
        "exit_code": NOTHING_LEFT if is_done else RESUMES if state else FROM_START,
    }


def fetch(number: str, env: Mapping[str, str], deadline: Deadline) -> Json:
    """The build as the API shows it; HookError."""
    import requests

    token = env.get("MILEPOST_TOKEN", "").strip()
    headers = {"authorization": f"Bearer {token}"} if token else {}
    base = client.address(env).partition("/webhooks/")[0]
    url = f"{base}/api/v1/builds/{quote(number, safe=':@+')}"

    def get() -> Json:
        found = requests.get(
            url, headers=headers, timeout=deadline.left(), auth=lambda request: request
        )
        if found.status_code != 200:
            words = {401: "set MILEPOST_TOKEN", 404: f"no build {number}"}
            raise HookError(
                words.get(found.status_code, f"the receiver answers {found.status_code}")
            )
        document: Json = found.json()
        return document

    try:
        return client.within(deadline, get)
    except (requests.RequestException, ValueError) as error:
        raise HookError(f"no answer from the receiver ({type(error).__name__})") from error


def _number(options: Any, env: Mapping[str, str]) -> str:
    if options.target:
        said = options.build_number or env.get("MILEPOST_BUILD_NUMBER", "")
        values = identity.identity_of_target(
            {**env, "MILEPOST_BUILD_NUMBER": said}, options.target, None, ""
        )
        return values["build_number"].text or ""
    return identity.identity(vars(options), env)["build_number"].text or ""


def _start_from(artifact: Json | None) -> str:
    """What a template takes: an id, or the path of a file."""
    if not artifact:
        return ""
    files = artifact.get("files") or []
    if artifact.get("artifact_id") in NO_IDS and files:
        return str(files[0].get("name"))
    return str(artifact.get("artifact_id"))


def _print(found: Json, options: Any) -> None:
    if options.json:
        print(json.dumps({name: value for name, value in found.items() if name != "exit_code"}))
        return
    name = {"artifact": "start_from"}.get(options.print, options.print or "state")
    print("" if found[name] is None else found[name])
    if found["artifact"] and not options.print:
        checksum = f" ({found['checksum']})" if found["checksum"] else ""
        start = f"from {found['start_from']}{checksum}, after attempt {found['attempt']}"
        print(f"milepost: resume at {found['state']} {start}", file=sys.stderr)
