"""`/livez` and `/readyz`: the health of this process and of its database."""

from flask import Blueprint, Response, g

from receiver.errors import HttpError, MigrationError
from receiver.storage import migrate
from receiver.storage.commits import COMMITS
from receiver.web.context import services
from receiver.web.problem import json_response

blueprint = Blueprint("probes", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """Return 200 while this process answers; depends on nothing."""
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Return 200 if this release works with the database's schema, else 503 with the reason."""
    try:
        applied = migrate.applied_names(services().database)
    except MigrationError as error:
        return _unavailable(migrations=str(error))
    except HttpError as error:
        return _unavailable(database=error.detail)
    missing = [each.name for each in migrate.migration_files() if each.name not in applied]
    if missing:
        return _unavailable(migrations=f"missing: {missing}")
    try:
        deliveries = COMMITS.reason or services().database.read_only_reason() or "ok"
    except HttpError as error:
        return _unavailable(database=error.detail)
    # Not a 503 where no delivery is taken: pages go on, and a balancer would take them away too.
    document = {"status": "ok", "database": "ok", "deliveries": deliveries, "schema": applied[-1]}
    services().rules.renew()
    # Not the problems themselves: they quote the file, and anybody may ask here.
    if wrong := list(services().rules.problems()):
        document["warning"] = f"wrong settings, whose last good reading is in use: {wrong}"
    return json_response(document)


@blueprint.app_template_global("wrong_settings")
def wrong_settings() -> dict[str, tuple[str, ...]]:
    """Return the problems of settings files by kind, for the banner that administrators see."""
    grant = g.get("grant")
    is_admin = grant is not None and grant.allows("admin") and grant.project is None
    return services().rules.problems() if is_admin else {}


@blueprint.app_template_global("still_used")
def still_used(kind: str) -> str:
    """Return what counts while the newest settings of a kind are wrong."""
    rules = services().rules
    file = rules.files()[kind]
    if file.problems:
        return f"the last good reading of {file.path}"
    if kind == "senders":
        return "every sender of the database that can be read"
    return f"version {rules.stored.get(kind)[0]} in the database"


@blueprint.app_template_global("wrong_kinds")
def wrong_kinds() -> list[str]:
    """Return the kinds of the settings that are wrong, for readers who are not told more: the
    problems quote the files."""
    return [] if wrong_settings() else list(services().rules.problems())


def _unavailable(**reason: str) -> Response:
    return json_response({"status": "unavailable", **reason}, 503, {"Retry-After": "3"})
