"""`milepost-hook resume`: where the next attempt of a build begins, and from which artifact.

Packer destroys its machine, so an attempt may begin above 0 only from a kept artifact, or if the
user says that the machine was kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hooks import client, identity, network, settings, streams
from hooks.client import Deadline, Json
from hooks.errors import HookError

EXIT_RESUME, EXIT_FROM_START, EXIT_NOTHING_LEFT = 0, 3, 4
FILE_ARTIFACT_IDS = ("", "Null", "File", "VM", "Container")  # the artifact is a file


def run(options: Any, env: Mapping[str, str], deadline: Deadline) -> int:
    """Print the resume point; return the exit code, 0 without --exit-code."""
    try:
        build = fetch(_number(options, env), env, deadline)
        point = resume_point(build, options.assume_kept)
    except HookError as error:
        streams.complain(f"milepost: {error}: resume from the beginning")
        point = resume_point({}, assume_kept=False)
    _print(point, options)
    return point["exit_code"] if options.exit_code else 0


def resume_point(build: Json, assume_kept: bool) -> Json:
    """Return the fields to print, from the build as the API returns it; pure.

    `state` is 0 if the next attempt starts from the beginning, 100 if nothing is left to run;
    `resume_state` is the receiver's; `artifact` is null unless resuming from it is safe.
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
        "exit_code": EXIT_NOTHING_LEFT if is_done else EXIT_RESUME if state else EXIT_FROM_START,
    }


def fetch(number: str, env: Mapping[str, str], deadline: Deadline) -> Json:
    """Return the build as the API returns it; raise HookError if there is none."""
    import requests

    token = settings.setting(env, "MILEPOST_TOKEN")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    base = settings.base_address(env)
    url = f"{base}/api/v1/builds/{quote(number, safe=':@+')}"

    def get() -> Json:
        response = requests.get(
            url, headers=headers, timeout=deadline.remaining(), auth=lambda request: request
        )
        if response.status_code != 200:
            problems = {401: "set MILEPOST_TOKEN", 404: f"no build {number}"}
            raise HookError(
                problems.get(response.status_code, f"the receiver answers {response.status_code}")
            )
        document: Json = response.json()
        return document

    try:
        return client.run_within(deadline, get)
    except ValueError as error:  # requests' JSON error is one
        raise HookError("the answer is not a receiver's: check MILEPOST_URL") from error
    except requests.RequestException as error:
        raise HookError(network.outcome(error, settings.place(base)).problem) from error


def _number(options: Any, env: Mapping[str, str]) -> str:
    if options.target:
        number = options.build_number or env.get("MILEPOST_BUILD_NUMBER", "")
        values = identity.identity_of_target(
            {**env, "MILEPOST_BUILD_NUMBER": number}, options.target, None, ""
        )
        return values["build_number"].text or ""
    return identity.identity(vars(options), env)["build_number"].text or ""


def _start_from(artifact: Json | None) -> str:
    """Return what a template starts from: an id, or the path of a file."""
    if not artifact:
        return ""
    files = artifact.get("files") or []
    if artifact.get("artifact_id") in FILE_ARTIFACT_IDS and files:
        return str(files[0].get("name"))
    return str(artifact.get("artifact_id"))


def _print(point: Json, options: Any) -> None:
    if options.json:
        print(json.dumps({name: value for name, value in point.items() if name != "exit_code"}))
        return
    name = {"artifact": "start_from"}.get(options.print, options.print or "state")
    print("" if point[name] is None else point[name])
    if point["artifact"] and not options.print:
        checksum = f" ({point['checksum']})" if point["checksum"] else ""
        start = f"from {point['start_from']}{checksum}, after attempt {point['attempt']}"
        streams.complain(f"milepost: resume at {point['state']} {start}")
