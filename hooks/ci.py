"""Which build speaks, and in which run: from flags, variables, or the CI's own variables.

Pure functions of a mapping. Vendors' pages:
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
https://docs.gitlab.com/ci/variables/predefined_variables/
https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from hooks.errors import HookError

DIMENSIONS = ("project", "platform", "os_version", "image_type")
LONGEST = 200

_ALLOWED = re.compile(r"[A-Za-z0-9._:@+-]{1,200}\Z")
_FORBIDDEN = re.compile(r"[^A-Za-z0-9._:@+-]+")


class Value(NamedTuple):
    """A value and where it came from, for `check`."""

    text: str | None
    origin: str


Values = dict[str, Value]


def identity(flags: Mapping[str, str | None], env: Mapping[str, str]) -> Values:
    """Every identity value by its name in the envelope; HookError where a build has no number."""
    values = {name: _said(name, flags, env) for name in DIMENSIONS}
    number = _said("build_number", flags, env)
    values["build_number"] = _checked(number) if number.text else _default_number(values, env)
    if not values["platform"].text and env.get("PACKER_BUILDER_TYPE"):
        values["platform"] = Value(env["PACKER_BUILDER_TYPE"], "PACKER_BUILDER_TYPE")
    values.update(_run(flags, env))
    return values


def _said(name: str, flags: Mapping[str, str | None], env: Mapping[str, str]) -> Value:
    variable = f"MILEPOST_{name.upper()}"
    if flags.get(name):
        return Value(flags[name], f"--{name.replace('_', '-')}")
    text = env.get(variable, "").strip()
    return Value(text, variable) if text else Value(None, "not set")


def _checked(number: Value) -> Value:
    if _ALLOWED.match(number.text or ""):
        return number
    raise HookError(f"{number.origin} must be 1 to 200 of A-Z a-z 0-9 . _ : @ + -")


def _default_number(values: Values, env: Mapping[str, str]) -> Value:
    """Repository, pipeline run, and the dimensions or the job; inside Packer its source too.

    A re-run keeps all of these, so it is a further attempt of the same build.
    """
    source = [env[name] for name in ("PACKER_BUILDER_TYPE", "PACKER_BUILD_NAME") if env.get(name)]
    said = [values[name].text or "" for name in ("os_version", "image_type", "platform")]
    for pipeline in (_github, _gitlab, _jenkins):
        found = pipeline(env)
        if found:
            run, job = found
            parts = [run, *([text for text in said if text] or [job]), *source]
            return Value(slug("-".join(part for part in parts if part)), "the CI's variables")
    if env.get("PACKER_RUN_UUID"):
        parts = ["packer", env["PACKER_RUN_UUID"], *source]
        return Value(slug("-".join(parts)), "Packer's variables")
    raise HookError("not reporting: set MILEPOST_BUILD_NUMBER, there is no CI to take one from")


def _github(env: Mapping[str, str]) -> tuple[str, str] | None:
    if not env.get("GITHUB_RUN_ID"):
        return None
    return f"{env.get('GITHUB_REPOSITORY', '')}-{env['GITHUB_RUN_ID']}", env.get("GITHUB_JOB", "")


def _gitlab(env: Mapping[str, str]) -> tuple[str, str] | None:
    if not env.get("CI_PIPELINE_ID"):
        return None
    return f"{env.get('CI_PROJECT_PATH', '')}-{env['CI_PIPELINE_ID']}", env.get("CI_JOB_NAME", "")


def _jenkins(env: Mapping[str, str]) -> tuple[str, str] | None:
    if not env.get("BUILD_URL") or not env.get("JOB_NAME"):
        return None
    return f"{env['JOB_NAME']}-{env.get('BUILD_NUMBER', '')}", ""


def slug(text: str) -> str:
    """Text as a build number; what is too long keeps its beginning and gets a digest."""
    clean = _FORBIDDEN.sub("-", text).strip("-")
    if len(clean) <= LONGEST:
        return clean
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return f"{clean[: LONGEST - 11]}-{digest}"


def _run(flags: Mapping[str, str | None], env: Mapping[str, str]) -> Values:
    number = "GITHUB_RUN_ATTEMPT"
    attempt = Value(flags["attempt"], "--attempt") if flags.get("attempt") else None
    return {
        "run_key": _run_key(env),
        "attempt": attempt or Value(env.get(number) or None, number),
        "resumed_from": _said("resumed_from", flags, env),
        "url": _first(env, "CI_JOB_URL", "BUILD_URL", default=_github_url(env)),
        "commit": _first(env, "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"),
        "branch": _first(
            env, "GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BRANCH_NAME"
        ),
        "created_by": _first(env, "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID"),
    }


def _run_key(env: Mapping[str, str]) -> Value:
    """What one job of one attempt has to itself; its forge's webhooks can tell it too."""
    if env.get("GITHUB_RUN_ID"):
        job = env.get("MILEPOST_CHECK_RUN_ID") or env.get("RUNNER_NAME", "")
        run = (env.get("GITHUB_REPOSITORY", ""), env["GITHUB_RUN_ID"])
        parts = ("github", *run, env.get("GITHUB_RUN_ATTEMPT", "1"), job)
        return Value(":".join(parts), "GitHub's variables")
    if env.get("CI_JOB_ID"):
        return Value(f"gitlab:{env.get('CI_SERVER_HOST', '')}:{env['CI_JOB_ID']}", "CI_JOB_ID")
    if env.get("BUILD_URL"):
        return Value(f"jenkins:{env['BUILD_URL']}", "BUILD_URL")
    if env.get("PACKER_RUN_UUID"):
        return Value(env["PACKER_RUN_UUID"], "PACKER_RUN_UUID")
    return Value("local", "no CI and no Packer")


def _github_url(env: Mapping[str, str]) -> Value:
    if not env.get("GITHUB_RUN_ID"):
        return Value(None, "not set")
    server = env.get("GITHUB_SERVER_URL", "https://github.com")
    path = f"{env.get('GITHUB_REPOSITORY', '')}/actions/runs/{env['GITHUB_RUN_ID']}"
    return Value(f"{server}/{path}", "GITHUB_RUN_ID")


def _first(env: Mapping[str, str], *names: str, default: Value | None = None) -> Value:
    found = next((Value(env[name], name) for name in names if env.get(name)), None)
    return found or default or Value(None, "not set")
