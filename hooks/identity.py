"""The identity of a build and its run: from flags, variables, or the CI's own variables; pure.

Vendors' pages:
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
https://docs.gitlab.com/ci/variables/predefined_variables/
https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables
https://developer.hashicorp.com/packer/docs/post-processors/shell-local
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from hooks.errors import HookError

DIMENSIONS = ("project", "platform", "os_version", "image_type")
RUN_DETAILS = ("attempt", "url", "commit", "branch", "created_by")
MAX_LENGTH = 200

_ALLOWED = re.compile(r"[A-Za-z0-9._:@+-]{1,200}\Z")
_SEPARATORS = re.compile(r"[^A-Za-z0-9._@+]+")  # a hyphen too: several become one
_OTHERS = re.compile(r"[^A-Za-z0-9._@+\u0080-\U0010ffff]+")  # separators of ASCII
# What is no separator: neither a no-break space, a middle dot, nor a dash or quotation mark.
_LETTERS = re.compile(r"[^\0-\x7f\u00a0\u00b7\u2000-\u203f]")

Env = Mapping[str, str]
Flags = Mapping[str, "str | None"]


class Value(NamedTuple):
    """A value and its origin, for `check`."""

    text: str | None
    origin: str


Values = dict[str, Value]
UNSET = Value(None, "not set")


class Forge(NamedTuple):
    """The variables of a CI for each value; of several, the first that is set counts."""

    marks: tuple[str, ...]
    run: tuple[str, ...]
    job: str
    run_key: Callable[[Env], Value]
    url: Callable[[Env], Value]
    attempt: tuple[str, ...]
    commit: tuple[str, ...]
    branch: tuple[str, ...]
    created_by: tuple[str, ...]


def identity(flags: Flags, env: Env) -> Values:
    """Return each identity value by its name in the envelope; raise HookError without a number."""
    values = details(flags, env)
    number = _setting("build_number", flags, env)
    source = [env.get(name, "") for name in ("PACKER_BUILDER_TYPE", "PACKER_BUILD_NAME")]
    values["build_number"] = (
        _valid_number(number) if number.text else _default_number(flags, env, source)
    )
    return values


def identity_of_target(env: Env, target: str, platform: str | None, run_uuid: str) -> Values:
    """Return the identity of one build of a wrapped Packer run: its number ends with the target.

    `run_uuid` stands in for Packer's own, which is unknown outside Packer. Raises HookError.
    """
    env = {**env, "PACKER_RUN_UUID": run_uuid, "PACKER_BUILDER_TYPE": platform or ""}
    values, number = details({}, env), _setting("build_number", {}, env)
    if number.text:
        text = _shortened(f"{_valid_number(number).text}-{slug(target)}")
        values["build_number"] = Value(text, f"{number.origin} and Packer's target")
    else:
        values["build_number"] = _default_number({}, env, [slug(target)])
    return values


def details(flags: Flags, env: Env) -> Values:
    """Return each identity value but the build's number."""
    values = {name: _setting(name, flags, env) for name in (*DIMENSIONS, "resumed_from")}
    if not values["platform"].text:
        values["platform"] = _variable(env, "PACKER_BUILDER_TYPE")
    forge = _forge(env)
    run_key = _setting("run_key", flags, env)
    values["run_key"] = run_key if run_key.text else _run_key(forge, env)
    for name in RUN_DETAILS:
        values[name] = _flag(name, flags) or _forge_value(forge, name, env)
    return values


def slug(text: str) -> str:
    """Return the text as a build number; a long one is cut and ends with a digest.

    So does one with letters that a number cannot hold: `构建` and `测试` are two builds. The digest
    is of the text with separators alone replaced, which the shell hook and the receiver make alike.
    """
    whole = text.replace("/", ".")
    clean = _SEPARATORS.sub("-", whole).strip("-")
    if len(clean) <= MAX_LENGTH and _LETTERS.search(text):
        return f"{clean[: MAX_LENGTH - 11]}-{_digest(_OTHERS.sub('-', whole).strip('-'))}".strip(
            "-"
        )
    return _shortened(clean, text)


def _shortened(clean: str, text: str = "") -> str:
    if len(clean) <= MAX_LENGTH:
        return clean
    return f"{clean[: MAX_LENGTH - 11]}-{_digest(text or clean)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:10]


def _setting(name: str, flags: Flags, env: Env) -> Value:
    return _flag(name, flags) or _variable(env, f"MILEPOST_{name.upper()}")


def _flag(name: str, flags: Flags) -> Value | None:
    text = flags.get(name)
    return Value(text, f"--{name.replace('_', '-')}") if text else None


def _variable(env: Env, *names: str) -> Value:
    values = (Value(env.get(name, "").strip(), name) for name in names)
    return next((value for value in values if value.text), UNSET)


def _valid_number(number: Value) -> Value:
    if _ALLOWED.match(number.text or ""):
        return number
    raise HookError(f"not reporting: {number.origin} must be 1 to 200 of A-Z a-z 0-9 . _ : @ + -")


def _default_number(flags: Flags, env: Env, source: Sequence[str]) -> Value:
    """Return repository, pipeline run, and dimensions or job; inside Packer its source too.

    A re-run keeps all of these, so it is a further attempt of the same build. Raises HookError.
    """
    forge = _forge(env)
    run = [env.get(name, "") for name in forge.run] if forge else []
    if forge and all(run):
        names = ("os_version", "image_type", "platform")
        dimensions = [_setting(name, flags, env).text for name in names]
        parts = [*run, *(dimensions if any(dimensions) else [env.get(forge.job, "")]), *source]
        return Value(slug("-".join(filter(None, parts))), f"{', '.join(forge.run)} and more")
    if env.get("PACKER_RUN_UUID"):
        parts = ["packer", env["PACKER_RUN_UUID"], *source]
        return Value(slug("-".join(filter(None, parts))), "Packer's run and source")
    raise HookError("not reporting: set MILEPOST_BUILD_NUMBER, there is no CI to take one from")


def _run_key(forge: Forge | None, env: Env) -> Value:
    """Return the key of one job of one attempt; the forge's own webhooks name the same key."""
    key = forge.run_key(env) if forge else UNSET
    if not key.text:
        key = _variable(env, "PACKER_RUN_UUID")
    return key if key.text else Value("local", "no CI and no Packer")


def _forge_value(forge: Forge | None, name: str, env: Env) -> Value:
    if forge is None:
        return UNSET
    field = getattr(forge, name)
    value: Value = field(env) if callable(field) else _variable(env, *field)
    return value


def _forge(env: Env) -> Forge | None:
    return next((forge for forge in FORGES if any(env.get(mark) for mark in forge.marks)), None)


def _github_key(env: Env) -> Value:
    """Return GitHub's key, with the runner's name if the check run's id is not passed on."""
    job = _variable(env, "MILEPOST_CHECK_RUN_ID", "JOB_CHECK_RUN_ID", "RUNNER_NAME")
    run = (env.get("GITHUB_REPOSITORY", ""), env.get("GITHUB_RUN_ID", ""))
    parts = ("github", *run, env.get("GITHUB_RUN_ATTEMPT") or "1", job.text or "")
    return Value(":".join(parts), f"GITHUB_RUN_ID, {job.origin}")


def _github_url(env: Env) -> Value:
    server = env.get("GITHUB_SERVER_URL") or "https://github.com"
    path = f"{env.get('GITHUB_REPOSITORY', '')}/actions/runs/{env.get('GITHUB_RUN_ID', '')}"
    return Value(f"{server}/{path}", "GITHUB_RUN_ID")


def _gitlab_key(env: Env) -> Value:
    if not env.get("CI_JOB_ID"):
        return UNSET
    return Value(f"gitlab:{env.get('CI_SERVER_HOST', '')}:{env['CI_JOB_ID']}", "CI_JOB_ID")


def _jenkins_key(env: Env) -> Value:
    if not env.get("BUILD_URL"):  # a Jenkins without a root URL
        return UNSET
    return Value(f"jenkins:{env['BUILD_URL']}", "BUILD_URL")


FORGES = (
    Forge(
        marks=("GITHUB_RUN_ID",),
        run=("GITHUB_REPOSITORY", "GITHUB_RUN_ID"),  # two workflows may share a run number
        job="GITHUB_JOB",
        run_key=_github_key,
        url=_github_url,
        attempt=("GITHUB_RUN_ATTEMPT",),
        commit=("GITHUB_SHA",),
        branch=("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        created_by=("GITHUB_ACTOR",),
    ),
    Forge(
        marks=("CI_JOB_ID", "CI_PIPELINE_ID"),
        run=("CI_PROJECT_PATH", "CI_PIPELINE_ID"),
        job="CI_JOB_NAME",  # names the leg of a matrix; a retry keeps it
        run_key=_gitlab_key,
        url=lambda env: _variable(env, "CI_JOB_URL"),
        attempt=(),
        commit=("CI_COMMIT_SHA",),
        branch=("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"),
        created_by=("GITLAB_USER_LOGIN",),
    ),
    Forge(
        marks=("BUILD_URL", "BUILD_TAG"),
        run=("JOB_NAME", "BUILD_NUMBER"),
        job="",  # STAGE_NAME changes from call to call of one build
        run_key=_jenkins_key,
        url=lambda env: _variable(env, "BUILD_URL"),
        attempt=(),
        commit=("GIT_COMMIT",),
        branch=("CHANGE_BRANCH", "BRANCH_NAME"),
        created_by=("BUILD_USER_ID",),
    ),
)
