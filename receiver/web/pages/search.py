"""`/search`: builds, images, commits and artifact ids by a text."""

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.domain.model import DIMENSIONS
from receiver.storage.db import Row
from receiver.storage.search import Found, search
from receiver.web.auth import require
from receiver.web.context import services
from receiver.web.pages.render import blueprint, page, wants_json
from receiver.web.problem import json_response

KINDS = {"build": "Builds", "commit": "Commits", "artifact": "Artifacts"}


@blueprint.get("/search", endpoint="search")
@blueprint.get("/search.json", endpoint="search_json")
def find() -> BaseResponse:
    """Show what a text finds; go to the only thing that it can mean."""
    own = require("read").project
    text = request.args.get("q", "").strip()
    found = search(services().database, text, own)
    if wants_json():
        return json_response({"builds": found.builds, "images": found.images})
    if only := _only(found, text):
        return redirect(only, 302)
    kinds = {
        label: [row for row in found.builds if row["kind"] == kind] for kind, label in KINDS.items()
    }
    return page("search.html", text=text, kinds=kinds, images=found.images)


def _only(found: Found, text: str) -> str | None:
    """Return the page that the text means: of the number's build, or of the only one found."""
    exact = [row for row in found.builds if row["kind"] == "build" and row["what"] == text]
    numbers = {row["build_number"] for row in exact or found.builds}
    if len(numbers) == 1 and (exact or not found.images):
        return url_for("pages.build", build_number=numbers.pop())
    if len(found.images) == 1 and not found.builds:
        return _image(found.images[0])
    return None


def _image(row: Row) -> str:
    return url_for("pages.image", **{name: row[name] for name in DIMENSIONS})
