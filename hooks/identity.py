"""The identity of a build and its run: from flags, variables, or the CI's own variables.

Packer's: https://developer.hashicorp.com/packer/docs/post-processors/shell-local
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from hooks.errors import HookError
from hooks.forges import UNSET, Env, Forge, Value, forge_of, told, variable

DIMENSIONS = ("project", "platform", "os_version", "image_type")
RUN_DETAILS = ("attempt", "url", "commit", "branch", "created_by", "default_branch", "pull_request")
NAMES = ("job", "workflow")  # from which the image may be inferred
MAX_LENGTH = 200
MAX_KEY, KEPT_OF_KEY = 500, 450  # of a run key; the receiver takes no longer one
MAX_URL = 2000

_ALLOWED = re.compile(r"[A-Za-z0-9._:@+-]{1,200}\Z")
_SEPARATORS = re.compile(r"[^A-Za-z0-9._@+]+")  # a hyphen too: several become one
# Separators of ASCII. As one set of characters to the end of Unicode it takes 3 ms to compile.
_OTHERS = re.compile(r"(?:(?![A-Za-z0-9._@+])[\0-\x7f])+")
# What is no separator: neither a no-break space, a middle dot, nor a dash or quotation mark.
_LETTERS = re.compile(r"[^\0-\x7f\u00a0\u00b7\u2000-\u203f]")

Flags = Mapping[str, "str | None"]


Values = dict[str, Value]


def identity(flags: Flags, env: Env) -> Values:
    """Return each identity value by its name in the envelope; raise HookError without a number."""
    values = details(flags, env)
    number = _setting("build_number", flags, env)
    source = [env.get(name, "") for name in ("PACKER_BUILDER_TYPE", "PACKER_BUILD_NAME")]
    values["build_number"] = (
        _valid_number(number) if number.text else _default_number(flags, env, source)
    )
    return values


def identity_of_target(
    env: Env, target: str, platform: str | None, run_uuid: str, parts: Sequence[str] = ()
) -> Values:
    """Return the identity of one build of a wrapped Packer run: its number ends with the target.

    `run_uuid` stands in for Packer's own, which is unknown outside Packer; `parts` tell builds of
    one target apart where the number is a default without dimensions. The target '' is the run as a
    whole, under its plain number. Raises HookError.
    """
    env = {**env, "PACKER_RUN_UUID": run_uuid, "PACKER_BUILDER_TYPE": platform or ""}
    values, number = details({}, env), _setting("build_number", {}, env)
    if number.text:
        text = "-".join(filter(None, [_valid_number(number).text, slug(target)]))
        values["build_number"] = Value(_shortened(text), f"{number.origin} and Packer's target")
    else:
        is_said = any(_setting(name, {}, env).text for name in ("os_version", "image_type"))
        more = [] if is_said else [slug(part) for part in parts]
        values["build_number"] = _default_number({}, env, [*more, slug(target)])
    return values


def plain_number(env: Env) -> str | None:
    """Return the number under which the job itself reports, None where it has none. Raises
    HookError."""
    number = _setting("build_number", {}, env)
    if number.text:
        return _valid_number(number).text
    forge = forge_of(env)
    is_run = forge is not None and all(env.get(name) for name in forge.run)
    return _default_number({}, env, []).text if is_run else None


def has_number(flags: Flags, env: Env) -> bool:
    """Return whether there is a build number, said or by default."""
    forge = forge_of(env)
    is_run = forge is not None and all(env.get(name) for name in forge.run)
    return bool(_setting("build_number", flags, env).text or is_run or env.get("PACKER_RUN_UUID"))


def is_ci(env: Env) -> bool:
    """Return whether this is a job of GitHub, GitLab or Jenkins."""
    return forge_of(env) is not None


def details(flags: Flags, env: Env) -> Values:
    """Return each identity value but the build's number."""
    values = {name: _setting(name, flags, env) for name in (*DIMENSIONS, "resumed_from")}
    if not values["platform"].text:
        values["platform"] = variable(env, "PACKER_BUILDER_TYPE")
    forge = forge_of(env)
    run_key = _setting("run_key", flags, env)
    values["run_key"] = _short(run_key if run_key.text else _run_key(forge, env))
    pipeline = variable(env, "MILEPOST_PIPELINE")
    values["pipeline"] = _short(pipeline if pipeline.text else told(forge, "pipeline", env))
    for name in RUN_DETAILS:
        values[name] = _flag(name, flags) or told(forge, name, env)
    values["url"] = _usable(values["url"])
    return values


def names(env: Env) -> dict[str, str | None]:
    """Return the raw names of job and workflow, from which the receiver may infer the image."""
    forge = forge_of(env)
    if forge is None:
        return dict.fromkeys(NAMES)
    return {"job": env.get(forge.job) or None, "workflow": variable(env, *forge.workflow).text}


def short_key(text: str) -> str:
    """Return a key of at most 500 characters: the first 450, `~`, 32 digits of its SHA-256."""
    text = text.encode("utf-8", "replace").decode()  # as it is sent
    if len(text) <= MAX_KEY:
        return text
    return f"{text[:KEPT_OF_KEY]}~{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _short(value: Value) -> Value:
    return value if value.text is None else value._replace(text=short_key(value.text))


def _usable(url: Value) -> Value:
    """Return a URL of at most 2,000 characters: without its query, else without a part of it."""
    text = url.text or ""
    if len(text) <= MAX_URL:
        return url
    return url._replace(text=text.partition("#")[0].partition("?")[0][:MAX_URL])


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
    return _flag(name, flags) or variable(env, f"MILEPOST_{name.upper()}")


def _flag(name: str, flags: Flags) -> Value | None:
    text = flags.get(name)
    return Value(text, f"--{name.replace('_', '-')}") if text else None


def _valid_number(number: Value) -> Value:
    if _ALLOWED.match(number.text or ""):
        return number
    raise HookError(f"not reporting: {number.origin} must be 1 to 200 of A-Z a-z 0-9 . _ : @ + -")


def _default_number(flags: Flags, env: Env, source: Sequence[str]) -> Value:
    """Return repository, pipeline run, and dimensions or job; inside Packer its source too.

    A re-run keeps all of these, so it is a further attempt of the same build. Raises HookError.
    """
    forge = forge_of(env)
    run = [env.get(name, "") for name in forge.run] if forge else []
    if forge and all(run):
        names = ("os_version", "image_type", "platform")
        dimensions = [_setting(name, flags, env).text for name in names]
        which = dimensions if any(dimensions) else [env.get(forge.job, "")]
        parts = [*run, *which, env.get("MILEPOST_LEG", ""), *source]
        return Value(slug("-".join(filter(None, parts))), f"{', '.join(forge.run)} and more")
    if env.get("PACKER_RUN_UUID"):
        parts = ["packer", env["PACKER_RUN_UUID"], *source]
        return Value(slug("-".join(filter(None, parts))), "Packer's run and source")
    raise HookError("not reporting: set MILEPOST_BUILD_NUMBER, there is no CI to take one from")


def _run_key(forge: Forge | None, env: Env) -> Value:
    """Return the key of one job of one attempt; the forge's own webhooks name the same key."""
    key = forge.run_key(env) if forge else UNSET
    if not key.text:
        key = variable(env, "PACKER_RUN_UUID")
    return key if key.text else Value("local", "no CI and no Packer")
