"""`/images`: the latest good image of every combination, and the Terraform line that uses it."""

from collections.abc import Mapping, Sequence

from flask import Response, request

from receiver.domain import image_reasons
from receiver.domain.images import ImageFilter, usable_ids
from receiver.domain.model import DIMENSIONS
from receiver.errors import Invalid
from receiver.storage import checks, image_page, images, late_images, lineage_of_builds
from receiver.storage.db import Row
from receiver.storage.dimensions import Own
from receiver.web.auth import require
from receiver.web.context import expectation_of, services, serving_of
from receiver.web.pages.render import Values, blueprint, cached_page

OLD_DAYS = 30
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
    """List the images, of every name or of those in the address; `old` is the number of days after
    which an image is too old."""
    own = require("read").project
    text = request.args.get("old") or str(OLD_DAYS)
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) < 6:
        raise Invalid("The filter is invalid.", fields={"old": ["Must be a number of days."]})
    if (request.args.get("checks") or CHECKS[0]) not in CHECKS:
        problem = f"Must be one of {', '.join(CHECKS)}."
        raise Invalid("The filter is invalid.", fields={"checks": [problem]})
    return cached_page("images.html", lambda: _images(int(text), own))


def _images(old: int, own: Own) -> Values:
    database = services().database
    rows = images.latest_images(database, serving_of(), own)
    rows = late_images.with_ages(database, serving_of(), expectation_of(), rows, ImageFilter(), own)
    rows = lineage_of_builds.with_bases(database, serving_of(), rows, own)
    rows = checks.with_checks(database, rows)
    held = image_page.channels_of_images(database, own)
    items = [_listed(row, held, old) for row in rows if _is_asked(row)]
    items = [item for item in items if _is_filtered(item)]
    unserved = [
        row | {"why": image_reasons.reason(row)}
        for row in images.unserved_builds(database, serving_of(), own)
        if _is_asked(row)
    ]
    return {
        "items": items,
        "unserved": unserved,
        "old": old,
        "_old_count": sum(item["is_old"] for item in items),
        "_branches": [row for row in unserved if row["reason"] == "branch"],
        "_doubtful": [row for row in unserved if row["reason"] != "branch"],
        "_names": {name: request.args[name] for name in DIMENSIONS if request.args.get(name)},
        "_filters": {name: request.args[name] for name in FILTERS if request.args.get(name)},
        "_channels": sorted({each["channel"] for rows in held.values() for each in rows}),
        "_checks": CHECKS,
    }


def _is_asked(row: Row) -> bool:
    asked = {name: request.args.get(name) for name in DIMENSIONS}
    return all(text in (None, "", row[name]) for name, text in asked.items())


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
