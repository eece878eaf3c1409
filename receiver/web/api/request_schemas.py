"""What /api/v1 takes, beside the facts of builds in receiver.sources.manual.py."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from receiver.domain.model import BUILD_STATUSES, NUMBER_PROBLEM, NUMBER_SHAPE, OUTCOMES
from receiver.sources.manual import BuildAhead, Fitting, Integer, Line, Strict, about, label, words
from receiver.storage.builds import ORDERS
from receiver.storage.paging import CURSOR, DEFAULT_LIMIT, MAX_LIMIT

# Printable, without a slash: it is a part of an address.
NAME = "^[!-.0-~\u00a1-\uffff][ -.0-~\u00a1-\uffff]*$"
NUMBER = "^" + NUMBER_SHAPE.pattern.replace(r"\Z", "$")  # as ECMA-262 writes it
PROVIDER = "^[a-z0-9][a-z0-9_-]{0,99}$"


class Number(fields.Field[int]):
    """A decimal number in a query."""

    def __init__(self, low: int, high: int, **more: Any) -> None:
        super().__init__(**more)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        text = str(value)
        is_number = text.isascii() and text.isdecimal() and len(text) < 10
        if not is_number or not self.low <= int(text) <= self.high:
            raise ValidationError(f"Must be an integer from {self.low} to {self.high}.")
        return int(text)


class Since(fields.Field[datetime]):
    """A day or a time in a query; without a zone it is UTC."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value.strip())
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError("Must be a time as 2026-01-01T10:00, in UTC.") from error


class Filter(fields.String):
    """A filter of a query; an empty one, as an unset variable of a shell gives, is none."""

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> Any:
        return super()._deserialize(value, *more, **named).strip() or None


class PageQuery(Strict):
    """Which page of a list."""

    limit = Number(1, MAX_LIMIT, load_default=DEFAULT_LIMIT, **about("How many items."))
    after = fields.String(
        validate=Fitting(f"^{CURSOR.pattern}$", error="Use the `next` of the page before."),
        **about("The `next` of the page before."),
    )


class BuildsQuery(PageQuery):
    """The filters of /builds."""

    project = Filter(**about("It and those below it."))
    platform = Filter()
    os_version = Filter()
    image_type = Filter()
    status = fields.String(validate=validate.OneOf(BUILD_STATUSES))
    low = Number(0, 100, **about("The lowest state."))
    high = Number(0, 100, **about("The highest state."))
    since = Since(**about("Begun since."))
    until = Since(**about("Begun until."))
    text = Filter(**about("A part of number or branch, or the start of a commit."))
    order = fields.String(
        validate=validate.OneOf(ORDERS), **about("`newest` alone has more than one page.")
    )


class ImagesQuery(Strict):
    """Of which images."""

    project = Filter()
    platform = Filter()
    os_version = Filter()
    image_type = Filter()
    region = Filter()


class ImageQuery(Strict):
    """Of which region and project, and in which form."""

    region = Filter()
    project = Filter()
    format = fields.String(
        validate=validate.OneOf(("json", "text")),
        **about("`text` is the bare artifact id, for shells."),
    )


class FailuresQuery(PageQuery):
    """Which failures."""

    limit = Number(1, MAX_LIMIT, load_default=MAX_LIMIT, **about("How many items."))
    status = fields.String(
        validate=validate.OneOf(("open", "resolved", "all")), load_default="open"
    )


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    source = Filter(**about("Such as github."))
    sender = fields.String(**about("Empty is the source's default sender."))
    outcome = fields.String(validate=validate.OneOf(OUTCOMES))
    reason = Filter(**about("The whole reason."))


class AuditQuery(PageQuery):
    """Which changes."""

    target_kind = Filter(**about("Such as build, failure, token."))
    target_name = Filter()
    who = Filter()


class NamesQuery(PageQuery):
    """Which page of names."""

    after = fields.String(**about("The name that the page begins behind."))


class NewBuild(BuildAhead):
    """A build ahead of its first report."""

    build_number = fields.String(required=True, validate=Fitting(NUMBER, error=NUMBER_PROBLEM))


class Notes(Strict):
    """What a failure was."""

    may_be_left_out = True
    notes = fields.String(load_default="", validate=validate.Length(max=4_000))


class Nothing(Strict):
    """Nothing has to be said."""

    may_be_left_out = True


def own_name(**more: Any) -> fields.String:
    problem = "Must be printable, without a slash, and not begin with a space."
    return Line(validate=[validate.Length(1, 200), Fitting(NAME, error=problem)], **more)


def provider() -> fields.String:
    return fields.String(validate=Fitting(PROVIDER, error="Must be as aws: a-z 0-9 _ -"))


class ChangedPlatform(Strict):
    """What changes of a platform."""

    name = own_name()
    display_name = label()
    cloud_provider = provider()
    region = label(allow_none=True)


class ChangedOsVersion(Strict):
    """What changes of an OS version."""

    name = own_name()
    display_name = label()
    os_family = label()
    major_version = Integer(0, 2**31 - 1)
    minor_version = Integer(0, 2**31 - 1, allow_none=True)


class ChangedImageType(Strict):
    """What changes of an image type."""

    name = own_name()
    display_name = label()
    description = words(4_000, allow_none=True)


class ChangedProject(Strict):
    """What changes of a project."""

    name = own_name()
    description = words(4_000, allow_none=True)
    parent = label(allow_none=True, **about("The name of the project that it is below."))


class NewPlatform(ChangedPlatform):
    """A platform; what is left out is told from its name."""

    name = own_name(required=True)


class NewOsVersion(ChangedOsVersion):
    """An OS version; what is left out is told from its name."""

    name = own_name(required=True)


class NewImageType(ChangedImageType):
    """An image type."""

    name = own_name(required=True)


class NewProject(ChangedProject):
    """A project."""

    name = own_name(required=True)
