"""Builds of which nobody says what they make, by repository, and the lines that name them; pure.

A build's repository is read from the address of its CI run:
https://docs.github.com/en/actions/reference/workflows-and-actions/variables (GITHUB_RUN_ID)
https://docs.gitlab.com/ci/variables/predefined_variables/ (CI_JOB_URL)
https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables (BUILD_URL)
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from receiver.domain.dimensions import UNKNOWN

Row = Mapping[str, Any]
NAMED_FIRST = ("entry", "job", "workflow")  # places of names that a [[default]] matches
_PATH = re.compile(r"(?:[a-z]+://[^/?#]*)?([^?#]*)", re.IGNORECASE)
_GITHUB = re.compile(r"/([^/]+/[^/]+)/actions/runs/")
_GITLAB = re.compile(r"/(.+?)/-/(?:jobs|pipelines)/")
_JENKINS = re.compile(r"(?:/job/[^/]+)+(?=/\d+/?$)")


def repository(run_url: str | None, run_key: str | None) -> str | None:
    """Return the repository, or Jenkins's job, of a CI run; None where it tells none.

    >>> repository("https://gitlab.example.com/acme/sub/images/-/jobs/4242", None)
    'acme/sub/images'
    """
    path = unquote(_PATH.match(run_url or "")[1])  # type: ignore[index]  # it matches any text
    if found := _GITHUB.match(path) or _GITLAB.match(path):
        return found[1]
    if found := _JENKINS.search(path):
        return found[0].removeprefix("/job/").replace("/job/", "/")
    if run_key and run_key.startswith("github:"):
        return run_key.split(":")[1]
    return None


def by_repository(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a group for each repository, those with failures first; `rows` are newest first."""
    groups: dict[str | None, dict[str, Any]] = {}
    for row in rows:
        name = repository(row["run_url"], row["run_key"])
        group = groups.setdefault(name, {"repository": name, "builds": 0, "failed": 0, "of": row})
        group["builds"] += 1
        if row["has_failed"]:
            group["failed"] += 1
            group.setdefault("failed_build", row["build_number"])
    return sorted(groups.values(), key=lambda group: -group["failed"])


def naming_lines(row: Row, names: Mapping[str, str], *, is_routed: bool) -> dict[str, str]:
    """Return lines that would name builds like this one: `default` for senders.toml, and either
    `variables` for the job, or `route` where only a route made the build."""
    missing = [name for name in ("platform", "os_version", "image_type") if row[name] == UNKNOWN]
    values = "".join(f'{name} = "…"\n' for name in missing)
    lines = {"default": f"[[default]]\n{_condition(row, names)}\n{values}".strip()}
    if is_routed:
        return lines | {"route": values.strip()}
    return lines | {"variables": " ".join(f"MILEPOST_{name.upper()}=…" for name in missing)}


def _condition(row: Row, names: Mapping[str, str]) -> str:
    """Return the line of a [[default]] that fits a build and its later ones."""
    place = next((each for each in NAMED_FIRST if names.get(each)), None)
    if place:
        return f"{place} = '^{_quoted(names[place])}$'"
    if row["platform"] != UNKNOWN and not row["run_url"]:
        return f"builder_type = '^{_quoted(row['platform'])}$'"
    beginning = re.split(r"\d{3,}", row["build_number"])[0]
    return f"build_number = '^{_quoted(beginning)}'"


def _quoted(text: str) -> str:
    """Return a text as a pattern within TOML's quotes, which hold no quote of their own."""
    return re.sub(r"([.*+?()\[\]{}|^$\\])", r"\\\1", text).replace("'", ".")
