"""The part of our envelope that tells a check: its fields, their limits, and its value."""

from datetime import datetime

from marshmallow import fields, validate

from receiver.domain.model import (
    CHECK_KINDS,
    CHECK_STATUSES,
    COUNTS,
    SEVERITIES,
    Check,
    Json,
)
from receiver.sources.fields import Moment, Shape, Text, Whole

MOST = 2**31 - 1  # of one count
NAME = r"[\w.@+-][\w .@+-]{0,99}\Z"  # no comma or slash: a channel lists the names that it requires
DIGEST = r"sha256:[0-9a-f]{64}\Z"
WEB_ADDRESS = r"https?://\S+\Z"

CHECK = Shape(
    {
        "name": fields.String(
            required=True,
            validate=validate.Regexp(NAME, error="Must be 1 to 100 letters, digits and . _ @ + -"),
        ),
        "kind": fields.String(required=True, validate=validate.OneOf(CHECK_KINDS)),
        "status": fields.String(required=True, validate=validate.OneOf(CHECK_STATUSES)),
        "counts": Shape({name: Whole(0, MOST) for name in COUNTS}, allow_none=True),
        "fixable": Shape({name: Whole(0, MOST) for name in SEVERITIES}, allow_none=True),
        "tool": Text(allow_none=True),
        "tool_version": Text(allow_none=True),
        "database_at": Moment(allow_none=True),
        "digest": fields.String(
            allow_none=True,
            validate=validate.Regexp(DIGEST, error="Must be sha256: and 64 hex digits."),
        ),
        "url": fields.String(
            allow_none=True,
            validate=[
                validate.Length(max=2_000),
                validate.Regexp(
                    WEB_ADDRESS, error="Must be an address as https://ci.example.com/1."
                ),
            ],
        ),
    },
    allow_none=True,
)


def check_of(document: Json, at: datetime) -> Check:
    """Return the check of an event whose fields are right."""
    known = {name: value for name, value in document.items() if value not in (None, "")}
    return Check(at=at, **known)
