"""Fields of the operations on channels and revocations: names, ages, required checks."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from receiver.domain.model import NUMBER_PROBLEM, SEVERITIES, Json
from receiver.settings.durations import parse_duration
from receiver.sources.fields import MAX_NAME, flat
from receiver.sources.manual import Fitting, Integer, Strict, about
from receiver.web.api.schemas import NUMBER

AGE = "^[1-9][0-9]{0,3}[smhd]$"
MOST_FINDINGS = 1_000_000
MOST_CHECKS = 20
CHECK_NAME = "^[A-Za-z0-9_.@+-][A-Za-z0-9_ .@+-]{0,99}$"


def project_name(**more: Any) -> fields.String:
    """Return the field of a project's name."""
    return fields.String(validate=validate.Length(1, MAX_NAME), **more)


def build_number(**more: Any) -> fields.String:
    """Return the field of a build's number."""
    return fields.String(validate=Fitting(NUMBER, error=NUMBER_PROBLEM), **more)


def check_name(**more: Any) -> fields.String:
    """Return the field of a check's name."""
    problem = "Must be 1 to 100 letters, digits, spaces and . _ @ + -"
    return fields.String(validate=Fitting(CHECK_NAME, error=problem), **more)


def age(**more: Any) -> fields.String:
    """Return the field of a time with its unit, such as 7d."""
    problem = 'Must be a time with its unit, such as "7d" or "12h".'
    return fields.String(validate=Fitting(AGE, error=problem), **more)


class RequiredCheck(Strict):
    """A check that a build must have passed."""

    name = check_name(required=True)
    max_age = age(**about("How old it may be."))
    limits = fields.Dict(
        keys=fields.String(validate=validate.OneOf(SEVERITIES)),
        values=Integer(0, MOST_FINDINGS),
        **about("The most findings of each severity, instead of the check's own status."),
    )


class RequiredChecks(fields.Field[Any]):
    """Names of checks, or checks with limits."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, list) or len(value) > MOST_CHECKS:
            raise ValidationError(f"Must be a list of at most {MOST_CHECKS} checks.")
        return [_required(each) for each in value]


def _required(value: Any) -> Any:
    document = {"name": value} if isinstance(value, str) else value
    if not isinstance(document, dict):
        raise ValidationError("Must be the names of checks, or objects.")
    try:
        return RequiredCheck().load(document)
    except ValidationError as error:
        problems = flat(error.messages_dict)
        raise ValidationError(
            [f"{name}: {text}" for name, each in problems.items() for text in each]
        ) from error


REQUIRED: list[Json] = [  # the shape of each, for the document
    {"type": "string", "pattern": CHECK_NAME},
    {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": CHECK_NAME},
            "max_age": {"type": "string", "pattern": AGE},
            "limits": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    name: {"type": "integer", "minimum": 0, "maximum": MOST_FINDINGS}
                    for name in SEVERITIES
                },
            },
        },
    },
]


def seconds_of(age: str | None) -> int | None:
    """Return the seconds of a time with its unit."""
    span = parse_duration(age) if age else None
    return None if span is None else int(span.total_seconds())
