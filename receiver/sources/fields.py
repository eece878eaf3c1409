"""Shared by our own formats: typed fields, the delivery key, the manifest as an event."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from marshmallow import ValidationError, fields, missing, validate

from receiver.domain.delivery import Request
from receiver.domain.model import NUMBER_PROBLEM, NUMBER_SHAPE, Event, Json
from receiver.errors import Invalid
from receiver.sources import packer_manifest, signatures

MAX_BODY = 5 * 2**20
MAX_NAME = 200
_OTHERS = re.compile(r"[^A-Za-z0-9._@+\u0080-\U0010ffff]+")  # separators of ASCII
# What is no separator: neither a no-break space, a middle dot, nor a dash or quotation mark.
_LETTERS = re.compile(r"[^\0-\x7f\u00a0\u00b7\u2000-\u203f]")
BUILD_NUMBER = validate.Regexp(NUMBER_SHAPE, error=NUMBER_PROBLEM)


class Text(fields.Field[str | None]):
    """Text cut to what a name needs; an empty one, as unset variables give, is none."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        if not isinstance(value, str):
            raise ValidationError("Must be text.")
        text = value.strip()
        return text if len(text) <= MAX_NAME else text[: MAX_NAME - 1] + "…"


class Whole(fields.Field[int]):
    """A JSON integer in bounds: neither true nor "50" nor 50.0."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is not int or not self.low <= value <= self.high:
            raise ValidationError(f"Must be an integer from {self.low} to {self.high}.")
        return value


class Moment(fields.Field[datetime]):
    """An RFC 3339 time, converted to UTC; without a zone it is UTC."""

    SHAPE = re.compile(
        r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
    )

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            if not self.SHAPE.fullmatch(value):
                raise ValueError
            moment = datetime.fromisoformat(value.upper())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValidationError("Must be a time as 2026-01-01T10:00:00.123Z.") from error


class Shape(fields.Field[Json]):
    """A JSON object with these fields and no others, whose `rule` sees it once they are right.

    As marshmallow's Nested; but a schema of its own costs, in a body that is posted by the
    thousand, more than the fields that it checks.
    """

    def __init__(
        self,
        parts: Mapping[str, fields.Field[Any]],
        *,
        rule: Callable[[Json], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.parts, self.rule = parts, rule

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Json:
        if not isinstance(value, dict):
            raise ValidationError("Must be an object.")
        values: Json = {}
        errors: Json = {name: ["Unknown field."] for name in value.keys() - self.parts.keys()}
        for name, part in self.parts.items():
            if name not in value and not part.required:
                continue
            try:
                values[name] = part.deserialize(value.get(name, missing))
            except ValidationError as error:
                errors[name] = error.messages
        if errors:
            raise ValidationError(errors)
        if self.rule:
            self.rule(values)
        return values


class Flag(fields.Field[bool]):
    """A JSON boolean."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value


def is_zoned(time: str) -> bool:
    """Return whether an RFC 3339 time has a zone."""
    return time[-1] in "Zz" or time[-6] in "+-"


def delivery_key(request: Request) -> str:
    """Return `webhook-id` verbatim, else the SHA-256 of query and body. Raises Invalid."""
    message_id = request.headers.get("webhook-id")
    if message_id is None:
        return hashlib.sha256(request.query.encode() + b"\n" + request.body).hexdigest()
    if not signatures.MESSAGE_ID.fullmatch(message_id):
        raise Invalid(fields={"webhook-id": ["Must be 1 to 255 visible ASCII characters."]})
    return message_id


def flat(messages: Mapping[Any, Any], path: str = "") -> dict[str, list[str]]:
    """Return marshmallow's nested messages by dotted path: {"events.0.state": ["Must be …"]}."""
    paths: dict[str, list[str]] = {}
    for key, value in messages.items():
        here = path if key == "_schema" else f"{path}.{key}".lstrip(".")
        nested = value if isinstance(value, Mapping) else None
        paths.update(flat(nested, here) if nested is not None else {here: list(value)})
    return paths


def manifest_event(document: Json, request: Request) -> Event:
    """Return the event of a manifest; its time is its own, else that of signature or receipt."""
    moment = packer_manifest.moment(document)
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return Event(
        kind="manifest",
        at=moment or _signed_at(request) or request.received_at,
        manifest_sha256=hashlib.sha256(canonical).hexdigest(),
        artifacts=packer_manifest.artifacts(document),
        dated=moment is not None,
    )


def slug(text: str) -> str:
    """Return a text as a build number; a long one keeps its beginning and gets a digest.

    So does one with letters that a number cannot hold: `构建` and `测试` are two builds. The hooks
    make the same digest of the same text.
    """
    clean = re.sub(r"[^A-Za-z0-9._:@+-]+", "-", text).strip("-")
    if len(clean) <= MAX_NAME and _LETTERS.search(text):
        whole = _OTHERS.sub("-", text.replace("/", ".")).strip("-")
        return f"{clean[: MAX_NAME - 11]}-{_digest(whole)}".strip("-")
    if len(clean) <= MAX_NAME:
        return clean or "build"
    return f"{clean[: MAX_NAME - 11]}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def checked(document: object, path: str = "") -> Json:
    """Return the document if it is a manifest. Raises Invalid, each field named below `path`."""
    try:
        return packer_manifest.check(document)
    except Invalid as error:
        named = {f"{path}.{name}".strip("."): text for name, text in error.fields.items()}
        raise Invalid(error.detail, fields=named) from error


def _signed_at(request: Request) -> datetime | None:
    if "webhook-signature" not in request.headers:
        return None
    return datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
