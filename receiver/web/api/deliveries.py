"""/api/v1/deliveries: what came in, and reading it anew."""

from typing import Any
from uuid import UUID

from flask import Response

from receiver.ingest.replay import replay
from receiver.storage import deliveries
from receiver.storage.deliveries import Filter
from receiver.web import auth
from receiver.web.api import answer_schemas, request_schemas
from receiver.web.api.operations import Blueprint, json, page
from receiver.web.api.shapes import page_of
from receiver.web.context import services

Json = dict[str, Any]
blueprint = Blueprint("inbox", __name__, description="What came in.")
ONE = "/deliveries/<uuid:delivery_id>"


@blueprint.operation(
    "GET",
    "/deliveries",
    caller="read",
    query=request_schemas.DeliveriesQuery,
    answers={200: page_of(answer_schemas.Delivery)},
)
def list_deliveries(query: Json) -> Response:
    """What came in, the newest first."""
    limit, after = query.pop("limit"), query.pop("after", None)
    return page(*deliveries.list_page(services().database, Filter(**query), limit, after))


@blueprint.operation("GET", ONE, caller="read", answers={200: answer_schemas.WholeDelivery})
def show_delivery(delivery_id: UUID) -> Response:
    """One delivery; its body is on its page, for administrators."""
    found = deliveries.read(services().database, delivery_id)
    body, digest = found.pop("body"), found.pop("body_sha256")
    return json(found | {"body_sha256": digest.hex(), "pruned": body is None})


@blueprint.operation(
    "POST",
    f"{ONE}/replay",
    caller="admin",
    body=request_schemas.Nothing,
    answers={200: answer_schemas.Replayed},
    errors=(409,),
)
def replay_delivery(body: Json, delivery_id: UUID) -> Response:  # noqa: ARG001  # nothing is in it
    """Read a delivery again, with today's parsers, routes and stage map."""
    outcome = replay(services(), delivery_id, auth.who())
    return json({"outcome": outcome.kind, "builds": outcome.build_numbers})
