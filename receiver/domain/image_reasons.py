"""Why an image is not served, and what to do, in the words of answers and pages; pure."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from receiver.domain.images import ImageFilter, architecture
from receiver.domain.model import DIMENSIONS

Row = Mapping[str, Any]
OTHERS = "a build of another project"
NEVER = (
    "No completed build has made such an image, or its artifacts have expired. The page /images "
    "and the command milepost images list those that there are."
)
UNNAMED = (
    "nobody names what it makes, and unknown is no image. Name it in the hook "
    "(MILEPOST_OS_VERSION, MILEPOST_IMAGE_TYPE), in a route, or in a [[default]] of senders.toml, "
    """such as builder_type = '^amazon-ebs$', os_version = "rhel-9", image_type = "base"."""
)


def unserved(row: Row) -> str:
    """Return why the image of a build is not served; `row` is one of unserved_builds."""
    return f"Build {row['build_number']} is not served: {reason(row)}"


def reason(row: Row) -> str:
    """Return the reason alone, as a page shows it beside the build."""
    return WORDS[row["reason"]](row)


def _unknown(_: Row) -> str:
    return UNNAMED


def _branch(row: Row) -> str:
    default = row["default_branch"]
    other = f" and the default branch is {default}" if default else ""
    return (
        f"its branch is {row['branch']}{other}. To serve it, add the branch to serve_branches of "
        f"{_table(row)} in the file that MILEPOST_PROJECTS names."
    )


def _pull_request(row: Row) -> str:
    return f"it is of the pull or merge request {row['pull_request']}, whose builds never are."


def _conflict(row: Row) -> str:
    values = "; ".join(f"{name} is {' and '.join(each)}" for name, each in row["conflict"].items())
    return f"one run says two things: {values}. Give each image a build number of its own."


def _unstable(row: Row) -> str:
    return (
        "Jenkins calls it UNSTABLE. To serve such builds, write "
        f'unstable = "completed" in {_table(row)} of the file that MILEPOST_PROJECTS names.'
    )


def _inferred(row: Row) -> str:
    return (
        f"{inferred_from(row['inferred'])}, which nobody states. If it is right, run: "
        f"{confirm_line(row)}. Or state it in the hook, in a route or in a [[default]] of "
        "senders.toml, or ask with inferred=1."
    )


def confirm_line(row: Row) -> str:
    """Return the command that confirms the image of a row."""
    project = ["--project", row["project"]] if row["project"] else []
    return shlex.join(["milepost", "confirm", *(row[name] for name in DIMENSIONS[1:]), *project])


def _revoked(row: Row) -> str:
    revocation = row["revocation"]
    origin = revocation["build_number"]
    base = origin or OTHERS
    by = "" if origin == row["build_number"] else f" with {base}, which it was made from,"
    return f"it was revoked{by} by {revocation['by']}: {revocation['reason']}"


def _failed(_: Row) -> str:
    return (
        "a failure was reported after it was completed. If its image is good, resolve the failure "
        "on its page, or with milepost resolve."
    )


WORDS = {
    "failed": _failed,
    "unknown": _unknown,
    "revoked": _revoked,
    "branch": _branch,
    "pull-request": _pull_request,
    "conflict": _conflict,
    "unstable": _unstable,
    "inferred": _inferred,
}


def inferred_from(inferred: Mapping[str, str] | None) -> str:
    """Return from what the dimensions are inferred: "os_version is inferred from the target"."""
    pairs = [(name, place) for name, place in (inferred or {}).items() if place != "builder"]
    return " and ".join(
        f"{name} is inferred from the {place.replace('_', '-')}" for name, place in pairs
    )


def not_completed(row: Row) -> str:
    """Return how the newest build of an image stands that has no completed one."""
    attempt = f"attempt {row['attempt']} of " if (row["attempt"] or 1) > 1 else ""
    if row["status"] in ("pending", "running"):
        words = f"{attempt}build {row['build_number']} is {row['status']}"
        return f"No build of this image is completed now: {words}. Ask again when it has ended."
    words = f"{attempt}build {row['build_number']}, the newest, is {row['status']}"
    return f"No build of this image is completed: {words}."


def not_selected(rows: Sequence[Row], wanted: ImageFilter) -> str:
    """Return what there is instead, where images are served and none fits the selectors."""
    regions = sorted({row["region"] or "" for row in rows} - {""})
    if wanted.region and wanted.region not in regions:
        return f"No served build has an image in this region; there are {_list(regions)}."
    if wanted.complete:
        newest = min(rows, key=lambda row: row["newness"])
        return (
            f"No served build has all usual regions ({_list(regions)}); the newest is "
            f"{newest['build_number']}. Without complete=1 each region has its newest image."
        )
    values = {
        "name": sorted({row["name"] or row["artifact_id"] for row in rows}),
        "arch": sorted({architecture(row) or "" for row in rows} - {""}),
        **{f"custom.{key}": _custom(rows, key) for key in wanted.custom},
    }
    asked = [name for name in values if name.startswith("custom.") or getattr(wanted, name)]
    known = "; ".join(f"{name} is {_list(values[name])}" for name in asked)
    return f"No artifact of a served build fits the selectors. Of the newest, {known}."


def no_id(row: Row) -> str:
    """Return that an artifact has neither an id nor a file that a program could use."""
    return (
        f"The image of build {row['build_number']} has no id: Packer's builder gives it none, and "
        "its manifest names no file. Write the manifest behind the post-processor that makes the "
        "file, or add the artifact with milepost artifact."
    )


def _custom(rows: Sequence[Row], key: str) -> list[str]:
    return sorted({row["custom_data"].get(key, "") for row in rows} - {""})


def _list(texts: Sequence[str]) -> str:
    return ", ".join(texts) or "not stated"


def _table(row: Row) -> str:
    return f'[project."{row[DIMENSIONS[0]] or "*"}"]'
