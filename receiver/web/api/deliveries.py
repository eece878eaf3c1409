"""/api/v1/deliveries: the inbox, and replays."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from receiver.domain.model import Json, OutcomeKind
from receiver.ingest.replay import replay
from receiver.storage import deliveries
from receiver.storage.deliveries import Filter
from receiver.web import auth
from receiver.web.api.operations import Blueprint, Nothing, page, page_of
from receiver.web.api.schemas import BuildDelivery
from receiver.web.context import services
from receiver.web.filters import DeliveriesQuery

blueprint = Blueprint("inbox", "Deliveries that came in.")
ONE = "/deliveries/<uuid:delivery_id>"
REPLAY = f"{ONE}/replay"


class Delivery(BuildDelivery):
    """A delivery, without its body."""

    reason: str | None
    flags: list[str]
    builds: list[str]


class DeliveryDetails(Delivery):
    """A delivery, with its request."""

    delivery_key: str
    headers: Json
    query: str
    body_sha256: str
    pruned: Annotated[bool, Meta(description="Whether the body was deleted.")]


class ReplayResult(Struct):
    """The outcome of a replay."""

    outcome: OutcomeKind
    builds: list[str]


@blueprint.operation("GET", "/deliveries", "read", {200: page_of(Delivery)}, query=DeliveriesQuery)
def list_deliveries(query: Json) -> Json:
    """List deliveries, newest first."""
    limit, after = query.pop("limit"), query.pop("after", None)
    return page(*deliveries.list_page(services().database, Filter(**query), limit, after))


@blueprint.operation("GET", ONE, "read", {200: DeliveryDetails})
def show_delivery(delivery_id: UUID) -> Json:
    """Show one delivery; its body is on its page, for administrators."""
    row = deliveries.read(services().database, delivery_id)
    digest = row["body_sha256"].hex()
    return row | {"body_sha256": digest, "pruned": row["body"] is None}


@blueprint.operation("POST", REPLAY, "admin", {200: ReplayResult}, body=Nothing, errors=(409,))
def replay_delivery(body: Json, delivery_id: UUID) -> Json:  # noqa: ARG001  # it is empty
    """Replay a delivery with today's parsers, routes and stage map."""
    outcome = replay(services(), delivery_id, auth.actor())
    return {"outcome": outcome.kind, "builds": outcome.build_numbers}
