"""The forms on a build's page that revoke and restore it."""

from typing import Any

from flask import redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from receiver.errors import Invalid
from receiver.settings.durations import parse_duration
from receiver.storage import revocations
from receiver.storage.db import Row
from receiver.web import auth
from receiver.web.context import services, serving_of
from receiver.web.forms import form_fields
from receiver.web.pages.render import blueprint

MAX_REASON = 4_000


def concerned(build_number: str) -> Row | None:
    """Return what a revocation of a build would concern; None for those who may not revoke."""
    caller = auth.require("read")
    if not caller.allows("promote"):
        return None
    return revocations.preview(services().database, build_number, caller.project)


@blueprint.post("/builds/<build_number>/revoke", endpoint="revoke")
def revoke(build_number: str) -> BaseResponse:
    """Revoke a build; as POST …/revocation of the API."""
    mover, fields = auth.mover(), form_fields()
    with services().database.transaction() as connection:
        revocations.revoke(connection, serving_of(), build_number, _body(fields), mover)
    return redirect(url_for("pages.build", build_number=build_number) + "#revocation", 303)


@blueprint.post("/builds/<build_number>/restore", endpoint="restore")
def restore(build_number: str) -> BaseResponse:
    """Restore a revoked build."""
    mover = auth.mover()
    with services().database.transaction() as connection:
        revocations.restore(connection, build_number, mover)
    return redirect(url_for("pages.build", build_number=build_number) + "#revocation", 303)


def _body(fields: Any) -> dict[str, Any]:
    reason = fields.get("reason", "").replace("\0", "").strip()[:MAX_REASON]
    if not reason:
        raise Invalid(fields={"reason": ["Say why."]})
    body: dict[str, Any] = {"reason": reason}
    if text := fields.get("in", "").strip():
        body["in"] = parse_duration(text)
        if not body["in"]:
            raise Invalid(fields={"in": ["Must be a time with its unit, such as 3d."]})
    if fields.get("descendants"):
        body["descendants"] = fields["descendants"] == "yes"
        counted = fields.get("expect_descendants", "")
        if counted.isascii() and counted.isdecimal() and len(counted) < 8:
            body["expect_descendants"] = int(counted)
    if replacement := fields.get("replacement", "").strip():
        body["replacement"] = replacement
    names = [text for name, text in fields.items() if name.startswith("rollback-")]
    body["rollback"] = [{"channel": name} for name in names]
    return body
