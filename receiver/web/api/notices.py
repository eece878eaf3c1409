"""/api/v1/notices: what was said to whom, what waits, what failed and why."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from receiver.domain.model import Json
from receiver.storage.notice_list import NoticeFilter, list_notices
from receiver.web import auth
from receiver.web.api.operations import Blueprint, page, page_of
from receiver.web.api.schemas import Dimensions, Time
from receiver.web.context import services
from receiver.web.filters import NoticesQuery

blueprint = Blueprint("notices", "Who was told of what.")


class Message(Struct):
    """A message to one address, which is not shown."""

    kind: Annotated[str, Meta(description="The scheme of the address, such as slack.")]
    tries: int
    sent_at: Time | None
    given_up_at: Time | None
    next_at: Annotated[Time | None, Meta(description="When it is tried again.")]
    problem: Annotated[str | None, Meta(description="Why the last try failed.")]


class Notice(Struct):
    """One piece of news for one notice of the file."""

    id: UUID
    notice: Annotated[str, Meta(description="Its name in the file.")]
    type: str
    state: Annotated[str, Meta(description="waiting, held, sending, sent, failed or dropped.")]
    reason: Annotated[str | None, Meta(description="Why it is held, or was dropped.")]
    at: Annotated[Time, Meta(description="When it happened.")]
    created_at: Time
    is_late: bool
    image: Dimensions | None
    build_number: str | None
    text: str
    messages: list[Message]


@blueprint.operation(
    "GET", "/notices", "read its project", {200: page_of(Notice)}, query=NoticesQuery
)
def list_all_notices(query: Json) -> Json:
    """List what was told, what waits and what failed, newest first."""
    project = auth.require("read").project
    limit, after = query.pop("limit"), query.pop("after", None)
    database = services().database
    return page(*list_notices(database, NoticeFilter(**query), limit, after, project))
