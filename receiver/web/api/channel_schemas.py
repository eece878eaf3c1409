"""What the operations on channels take, and what they answer."""

from typing import Annotated, Any

from marshmallow import fields, post_load, validate
from msgspec import Meta, Struct

from receiver.domain.model import Json
from receiver.sources.manual import Fitting, Strict, about, words
from receiver.web.api.channel_fields import (
    MOST_CHECKS,
    REQUIRED,
    RequiredChecks,
    age,
    build_number,
    project_name,
    seconds_of,
)
from receiver.web.api.schemas import Dimensions, Revocation, Time
from receiver.web.filters import PageQuery, Since, Text

CHANNEL = "^[a-z0-9][a-z0-9._-]{0,99}$"


class NewChannel(Strict):
    """A channel."""

    name = fields.String(
        required=True,
        validate=Fitting(CHANNEL, error="Must be as prod: a-z 0-9 . _ -"),
        **about("Unique within its project."),
    )
    project = project_name(allow_none=True, **about("Left out: for the images of every project."))
    restricted = fields.Boolean(
        truthy={True}, falsy={False}, **about("Moved only with scope promote of its project.")
    )
    require = RequiredChecks(
        **about(
            "Checks that a build must have passed.",
            type="array",
            maxItems=MOST_CHECKS,
            items={"anyOf": REQUIRED},
        )
    )
    max_age = age(allow_none=True, **about("How old these may be that do not say it themselves."))

    @post_load
    def keep_seconds(self, data: Json, **_: Any) -> Json:
        """Return the checks as a channel keeps them: with an age in seconds."""
        default = data.pop("max_age", None)
        checks = [
            {
                "name": each["name"],
                "max_age": seconds_of(each.get("max_age") or default),
                "limits": each.get("limits", {}),
            }
            for each in data.get("require", [])
        ]
        return data | {"require": checks}


class ImageOf(Strict):
    """The names of an image, also old ones."""

    project = project_name(allow_none=True)
    platform = project_name(required=True)
    os_version = project_name(required=True)
    image_type = project_name(required=True)


class Moving(Strict):
    """What each move may say."""

    project = project_name(
        allow_none=True, **about("The channel's. By default the nearest to the image's.")
    )
    note = words(4_000, **about("Why."))
    expect = build_number(
        allow_none=True, **about("The build that must be current, else 409; null for none.")
    )


class NewAssignment(Moving):
    """A build, what another channel holds, or what this one held before."""

    build_number = build_number()
    from_channel = fields.String(
        validate=validate.Length(1, 100), **about("Every image of it, or the one of `image`.")
    )
    previous = fields.Boolean(
        truthy={True},
        falsy={False},
        validate=validate.OneOf([True]),
        **about("What the channel held of `image` before, with the attempt that was pinned."),
    )
    image = fields.Nested(ImageOf)
    override = fields.Boolean(
        truthy={True},
        falsy={False},
        **about("Pass over required checks: needs the right override, and a note."),
    )


class Unassignment(Moving):
    """An image that the channel shall not hold any more."""

    image = fields.Nested(ImageOf, required=True)


class ChannelQuery(Strict):
    """Which of the channels of a name, and when."""

    project = Text(**about("The channel's, where several projects have one."))
    at = Since(**about("What was current then: a time, or the beginning of a day in UTC."))


class HistoryQuery(PageQuery):
    """Which of the channels of a name, and which image."""

    channel_project = Text(**about("The channel's, where several projects have one."))
    project = Text()
    platform = Text()
    os_version = Text()
    image_type = Text()


class ChannelCheck(Struct):
    """A check that a channel requires."""

    name: str
    max_age_seconds: int | None
    limits: dict[str, int]


class Channel(Struct):
    """A channel."""

    name: str
    project: Annotated[str | None, Meta(description="Null: for the images of every project.")]
    restricted: bool
    require: Annotated[list[str], Meta(description="The names of `checks`.")]
    checks: list[ChannelCheck]
    created_at: Time
    created_by: str


class Pinned(Struct):
    """An artifact that a channel hands out."""

    artifact_id: str
    region: str | None
    name: str | None


class Assignment(Dimensions):
    """A build in a channel, by a person or a program."""

    channel: str
    channel_project: str | None
    build_number: Annotated[str | None, Meta(description="Null: taken out of the channel.")]
    attempt: int | None
    artifacts: list[Pinned]
    from_channel: str | None
    note: str | None
    override: bool
    assigned_by: str
    assigned_at: Time
    status: Annotated[str | None, Meta(description="Of the build, by now.")]
    revocation: Revocation | None


class ChannelDetails(Channel):
    """A channel, with what is current of each image."""

    items: list[Assignment]


class Assigned(Struct):
    """What is current of each image that was assigned."""

    items: list[Assignment]
    duplicate: Annotated[bool, Meta(description="Whether all of it was current before.")]
