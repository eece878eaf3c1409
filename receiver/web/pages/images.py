"""`/images`: the latest good image of every combination, and the Terraform line that uses it."""

from datetime import UTC, datetime

from flask import Response, request

from receiver.errors import Invalid
from receiver.storage import overview
from receiver.storage.db import Row
from receiver.web.auth import require_read
from receiver.web.context import services
from receiver.web.pages.render import Values, blueprint, cached_page

OLD_DAYS = 30


@blueprint.get("/images", endpoint="images")
@blueprint.get("/images.json", endpoint="images_json")
def list_images() -> Response:
    """List the images; `old` is the number of days after which an image is too old."""
    require_read()
    text = request.args.get("old") or str(OLD_DAYS)
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) < 6:
        raise Invalid("The filter is invalid.", fields={"old": ["Must be a number of days."]})
    return cached_page("images.html", lambda: _images(int(text)))


def _images(old: int) -> Values:
    now = datetime.now(UTC)
    items = [_image(row, now, old) for row in overview.latest_images(services().database)]
    return {"items": items, "old": old, "_old_count": sum(item["is_old"] for item in items)}


def _image(row: Row, now: datetime, old: int) -> Row:
    use = use_line(row["cloud_provider"], row["artifact_id"])
    columns = {name: row[name] for name in overview.IMAGE}
    return columns | {"is_old": (now - row["built_at"]).days >= old, "use": use}


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
