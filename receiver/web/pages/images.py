"""`/images`: the latest good image of every combination, and the Terraform line that uses it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from flask import Response, request

from receiver.domain import image_reasons
from receiver.domain.images import ImageFilter, image_of, usable_ids
from receiver.domain.model import DIMENSIONS
from receiver.errors import Invalid
from receiver.storage import (
    checks,
    failures,
    image_page,
    images,
    late_images,
    lineage_of_builds,
)
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.web.auth import require
from receiver.web.context import expectation_of, limits, services, serving_of
from receiver.web.pages.image_filter import AskedImages
from receiver.web.pages.render import Values, blueprint, cached_page

OLD_DAYS = 30
MOST_ROWS = 150  # images of one page; its JSON twin has all
CHECKS = ("passed", "failed", "none")  # all of an image passed, one did not, it has none
DAY = 86400
FILTERS = ("channel", "behind", "checks")
SHOWN = (
    *(*DIMENSIONS, "region", "artifact_id", "build_number", "built_at"),
    *("age_seconds", "behind", "name", "arch", "branch", "inferred", "revocation"),
    *("renewed_at", "superseded_at", "due_at", "late", "late_reason", "missing_regions"),
)


@blueprint.get("/images", endpoint="images")
@blueprint.get("/images.json", endpoint="images_json")
def list_images() -> Response:
    """List the images that the filter in the address fits; `old` is the number of days after which
    an image is too old, `page` which of them are shown."""
    own = require("read").project
    text = request.args.get("old") or str(OLD_DAYS)
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) < 6:
        raise Invalid("The filter is invalid.", fields={"old": ["Must be a number of days."]})
    if (request.args.get("checks") or CHECKS[0]) not in CHECKS:
        problem = f"Must be one of {', '.join(CHECKS)}."
        raise Invalid("The filter is invalid.", fields={"checks": [problem]})
    return cached_page("images.html", lambda: _images(int(text), own))


def _images(old: int, own: Own) -> Values:
    database, asked = services().database, AskedImages()
    rows = images.latest_images(database, serving_of(), own)
    rows = late_images.with_ages(database, serving_of(), expectation_of(), rows, ImageFilter(), own)
    rows = lineage_of_builds.with_bases(database, serving_of(), rows, own)
    rows = checks.with_checks(database, rows)
    held = image_page.channels_of_images(database, own)
    items = [_listed(row, held, old) for row in rows if asked.fits(row, _words(row))]
    items = [item for item in items if _is_filtered(item)]
    listed = _by_image(items, _failed_since(own))
    unserved = [
        row | {"why": image_reasons.reason(row)}
        for row in images.unserved_builds(database, serving_of(), own)
        if asked.fits(row, row["build_number"])
    ]
    start = MOST_ROWS * (_page_number() - 1)
    return {
        "items": items,
        "unserved": unserved,
        "old": old,
        "_rows": listed[start : start + MOST_ROWS],
        "_first": start + 1,
        "_count": len(listed),
        "_next": _page_number() + 1 if len(listed) > start + MOST_ROWS else None,
        "_old_count": sum(row["is_old"] for row in listed),
        "_late_count": sum(bool(row["late"]) for row in listed),
        "_branches": [row for row in unserved if row["reason"] == "branch"],
        "_doubtful": [row for row in unserved if row["reason"] != "branch"],
        "_asked": asked,
        "_facets": asked.facets(listed),
        "_filters": {name: request.args[name] for name in FILTERS if request.args.get(name)},
        "_channels": sorted({each["channel"] for rows in held.values() for each in rows}),
        "_checks": CHECKS,
    }


def _page_number() -> int:
    text = request.args.get("page") or "1"
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) < 6 or text == "0":
        raise Invalid("The filter is invalid.", fields={"page": ["Must be a number from 1."]})
    return max(1, int(text))


def _words(row: Row) -> str:
    """Return what an image is found by beside its names."""
    late = "late" if row["late"] else ""
    return f"{row['build_number']} {row['region'] or ''} {row['artifact_id'] or ''} {late}"


def _failed_since(own: Own) -> dict[tuple[object, ...], Row]:
    """Return the images that fail now, by their names."""
    failing = failures.read_failed_images(
        services().database, serving_of(), limits(), datetime.now(UTC), own
    )
    return {image_of(row): row for row in failing}


def _by_image(items: Sequence[Row], failed: Mapping[tuple[object, ...], Row]) -> list[Row]:
    """Return a row for each image: its newest artifact, all its `regions`, and `failed`, what
    failed since; those in trouble first, then by their names."""
    grouped: dict[tuple[object, ...], list[Row]] = {}
    for item in items:
        grouped.setdefault(image_of(item), []).append(item)
    rows = [
        min(regions, key=lambda item: item["behind"])
        | {
            "regions": sorted(regions, key=lambda item: item["region"] or ""),
            "failed": failed.get(image),
            "is_old": any(item["is_old"] for item in regions),
        }
        for image, regions in grouped.items()
    ]
    return sorted(rows, key=_order)


def _order(row: Row) -> tuple[object, ...]:
    is_well = not (row["late"] or row["is_old"])
    return is_well, not row["failed"], *(row[name] or "\U0010ffff" for name in DIMENSIONS)


def _listed(row: Row, held: Mapping[tuple[object, ...], list[Row]], old: int) -> Row:
    """Return a row of the list, with its base and the channels that hold its image."""
    names = tuple(row[name] for name in DIMENSIONS)
    holding = [
        {
            "channel": each["channel"],
            "build_number": each["build_number"],
            "is_this": each["build_number"] == row["build_number"],
            "revocation": each["revocation"],
        }
        for each in held.get(names, ())
    ]
    is_old = row["age_seconds"] >= old * DAY
    more = {"is_old": is_old, "base": row["base"], "channels": holding, "checks": row["checks"]}
    return image_row(row) | more


def _is_filtered(item: Row) -> bool:
    """Return whether an item has the channel, the checks and the state of its base that are asked
    for."""
    channel, behind = request.args.get("channel"), request.args.get("behind")
    if channel and channel not in [each["channel"] for each in item["channels"]]:
        return False
    if request.args.get("checks") not in (None, "", _standing(item["checks"])):
        return False
    return behind != "1" or bool(item["base"] and item["base"]["state"] == "behind")


def _standing(found: Sequence[Row]) -> str:
    """Return how the checks of an image stand: one of CHECKS."""
    if not found:
        return "none"
    return "passed" if all(each["status"] == "passed" for each in found) else "failed"


def image_row(row: Row) -> Row:
    """Return an artifact as the pages of images show it."""
    ids = usable_ids(row)
    use = use_line(row["cloud_provider"], ids[0]) if len(ids) == 1 else None
    columns = {name: row.get(name) for name in SHOWN}
    shown = {"artifact_id": ids[0] if len(ids) == 1 else row["artifact_id"]}
    return columns | shown | {"use": use}


USES = {
    "aws": "ami = {0}",
    "azure": "source_image_id = {0}",
    "gcp": "image = {0}",
    "vmware": "template_uuid = {0}",
    "openstack": "image_name = {0}",
    "digitalocean": "image = {0}",
}


def use_line(provider: str, artifact_id: str) -> str:
    """Return the line of Terraform that uses an image; pure."""
    quoted = '"' + artifact_id.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${") + '"'
    return USES.get(provider, "source = {0}").format(quoted)
