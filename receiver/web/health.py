"""/livez and /readyz: whether this process and its database answer."""

import orjson
from flask import Blueprint, Response

from receiver.errors import HttpError
from receiver.storage import migrate
from receiver.web.context import services

blueprint = Blueprint("probes", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """This process answers; depends on nothing."""
    return _json({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 where the database answers with this release's schema, else 503 with the reason."""
    try:
        applied = migrate.applied_names(services().database)
    except HttpError as error:
        return _json({"status": "unavailable", "database": error.detail}, 503)
    missing = [each.name for each in migrate.files() if each.name not in applied]
    if missing:
        return _json({"status": "unavailable", "migrations": f"missing: {missing}"}, 503)
    return _json({"status": "ok", "database": "ok", "schema": applied[-1]})


def _json(document: dict[str, str], status: int = 200) -> Response:
    response = Response(orjson.dumps(document), status, mimetype="application/json")
    if status == 503:
        response.headers["Retry-After"] = "3"
    return response
