"""The parameters of lists: which items, and which page of them. Pages and API parse them alike."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from marshmallow import (
    EXCLUDE,
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
)

from receiver.domain.conditions import CONDITIONS
from receiver.domain.images import ImageFilter
from receiver.domain.model import BUILD_STATUSES, ORDERS, OUTCOMES, Json
from receiver.domain.notices.notice import TYPES
from receiver.errors import Invalid
from receiver.sources.fields import Whole, flat
from receiver.sources.manual import Fitting, Strict, about
from receiver.storage.build_lists import BuildFilter
from receiver.storage.notice_list import STATES
from receiver.storage.paging import CURSOR, DEFAULT_LIMIT, MAX_LIMIT

CUSTOM = "custom."


class Number(Whole):
    """A decimal number in a query."""

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> int:
        is_number = value.isascii() and value.isdecimal() and len(value) < 10
        return super()._deserialize(int(value) if is_number else value, *more, **named)


class Since(fields.Field[datetime]):
    """A day or a time in a query; without a zone it is UTC."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value.strip())
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError("Must be a time as 2026-01-01T10:00, in UTC.") from error


class Text(fields.String):
    """A text in a query; an empty one, as of an unset variable in a shell, is None."""

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> Any:
        text = super()._deserialize(value, *more, **named).replace("\0", "").strip() or None
        if text is None and self.required:
            raise self.make_error("required")
        return text


class Flag(fields.String):
    """1 or 0 in a query."""

    def __init__(self, **more: Any) -> None:
        super().__init__(validate=validate.OneOf(("0", "1")), **more)


def required_text() -> Text:
    """Return the field of a text that must not be empty."""
    some = Fitting(r"[\s\S]*[^\s\x00][\s\S]*", error="Must not be empty.")
    return Text(required=True, validate=some)


class PageQuery(Strict):
    """The page of a list."""

    limit = Number(1, MAX_LIMIT, load_default=DEFAULT_LIMIT, **about("How many items."))
    after = fields.String(
        validate=Fitting(f"^{CURSOR.pattern}$", error="Use the `next` of the page before."),
        **about("The `next` of the page before."),
    )


class BuildsQuery(PageQuery):
    """The filters of /builds."""

    project = Text(**about("With the projects below it."))
    platform = Text()
    os_version = Text()
    image_type = Text()
    status = fields.String(
        validate=validate.OneOf(BUILD_STATUSES), **about("A lost build counts as failed.")
    )
    condition = fields.String(validate=validate.OneOf(CONDITIONS))
    low = Number(0, 100, **about("The lowest state."))
    high = Number(0, 100, **about("The highest state."))
    since = Since(**about("Started since."))
    until = Since(**about("Started until."))
    text = Text(**about("A part of the number or the branch, or the start of the commit."))
    order = fields.String(
        validate=validate.OneOf(ORDERS), **about("`newest` alone has more than one page.")
    )


class Selectors(Strict):
    """What tells the artifacts of one image apart. `custom.KEY` are values of its custom_data."""

    project = Text()
    region = Text()
    name = Text(**about("The artifact's name, id or file; `*` is any text."))
    arch = Text(**about("Such as x86_64 or arm64."))
    channel = Text(**about("What this channel holds; `latest` is the newest served build."))
    inferred = Flag(**about("1: also images whose OS version or type is only inferred."))
    complete = Flag(**about("1: one build that has all usual regions of its image."))

    @pre_load
    def take_custom(self, data: Mapping[str, str], **_: Any) -> dict[str, str]:
        """Take out the values of custom_data: their keys are the user's own."""
        keys = [name for name in data if name.startswith(CUSTOM) and name != CUSTOM]
        pairs = ((name.removeprefix(CUSTOM), data[name]) for name in keys)
        self.custom = {key.replace("\0", ""): text.replace("\0", "") for key, text in pairs}
        return {name: text for name, text in data.items() if name not in keys}

    @post_load
    def add_custom(self, data: Json, **_: Any) -> Json:
        """Add them under `custom`."""
        return data | {"custom": self.custom}


class ImagesQuery(Selectors):
    """The filters of /images."""

    platform = Text()
    os_version = Text()
    image_type = Text()
    behind = Flag(**about("1: those whose base has a newer good build."))
    late = Flag(**about("1: those whose newest good build is too old."))


class ImageQuery(Selectors):
    """The selectors of one image, and its format."""

    format = fields.String(
        validate=validate.OneOf(("json", "text")),
        **about("`text` is the bare artifact id, for shells."),
    )


class NamedImageQuery(ImageQuery):
    """The names of one image, which may have slashes; its selectors and its format."""

    platform = required_text()
    os_version = required_text()
    image_type = required_text()


class FailuresQuery(PageQuery):
    """The filters of /failures."""

    limit = Number(1, MAX_LIMIT, load_default=MAX_LIMIT, **about("How many items."))
    status = fields.String(
        validate=validate.OneOf(("open", "resolved", "all")), load_default="open"
    )


class DeliveriesQuery(PageQuery):
    """The filters of /deliveries."""

    source = Text(**about("Such as github."))
    sender = fields.String(**about("Empty is the source's default sender."))
    outcome = fields.String(validate=validate.OneOf(OUTCOMES))
    reason = Text(**about("The whole reason."))
    delivery_key = Text(**about("Such as the guid of a delivery of GitHub's."))


class NoticesQuery(PageQuery):
    """The filters of /notices."""

    notice = Text(**about("Its name in the file."))
    type = fields.String(validate=validate.OneOf(TYPES))
    state = fields.String(validate=validate.OneOf(STATES))


class AuditQuery(PageQuery):
    """The filters of /audit."""

    target_kind = Text(**about("Such as build, failure, token."))
    target_name = Text()
    who = Text()


class NamesQuery(PageQuery):
    """The page of a list of names."""

    after = fields.String(**about("The name that the page begins behind."))


def image_filter(values: Json) -> ImageFilter:
    """Return the filter of the checked values of Selectors; `format` is none of it."""
    flags = {name: values.get(name) == "1" for name in ("inferred", "complete")}
    return ImageFilter(**{name: each for name, each in values.items() if name != "format"} | flags)


def build_filter(parameters: Mapping[str, str], zone: tzinfo) -> BuildFilter:
    """Return the filter of builds in a page's address; its times without a zone are in the one that
    the pages show. Raises Invalid."""
    times = {name: _with_zone(parameters.get(name, ""), zone) for name in ("since", "until")}
    return BuildFilter(**page_filter(BuildsQuery, {**parameters, **times}))


def _with_zone(text: str, zone: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(text.strip())
        return text if moment.tzinfo else moment.replace(tzinfo=zone).isoformat()
    except (ValueError, OverflowError):  # Since says what is wrong with it
        return text


def build_arguments(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a list of builds that are filled in, for links. No other name of an
    address may reach url_for(), which has parameters of its own."""
    known = BuildsQuery().fields.keys() - {"limit", "after"}
    return {name: text for name, text in parameters.items() if text.strip() and name in known}


def page_filter(schema: type[PageQuery], parameters: Mapping[str, str]) -> Json:
    """Return the conditions in a page's address, where a form leaves fields empty. Raises Invalid.

    An empty sender is a condition: the source's default sender.
    """
    filled = {name: text for name, text in parameters.items() if text.strip() or name == "sender"}
    return checked(schema(exclude=("limit", "after"), unknown=EXCLUDE), filled)


def checked(schema: Schema, parameters: Mapping[str, str]) -> Json:
    """Return the values of parameters that have one. Raises Invalid, which names each wrong one."""
    # PostgreSQL's text holds no U+0000.
    texts = {name: text.replace("\0", "") for name, text in parameters.items()}
    return {name: value for name, value in loaded(schema, texts).items() if value is not None}


def loaded(schema: Schema, document: Mapping[str, Any]) -> Json:
    """Return the values of a document. Raises Invalid, which names each wrong field."""
    try:
        values: Json = schema.load(document)
    except ValidationError as error:
        raise Invalid(fields=flat(error.messages_dict)) from error
    return values
