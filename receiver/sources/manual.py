"""Manual statements about a build, made through /api/v1: deliveries of source `api`, folded and
replayed as any other.

The kept body is {"build_number", "kind", "said"}; `said` is the validated request. Nobody posts it
to a webhook: the source has no secret.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from receiver.domain.delivery import Content, Request, Secret
from receiver.domain.model import (
    DIMENSIONS,
    NUMBER_PROBLEM,
    NUMBER_SHAPE,
    STAGE_STATUSES,
    Artifact,
    Event,
    Failure,
    Identity,
    Json,
    Run,
    Statement,
)
from receiver.errors import Invalid, Unauthorized
from receiver.sources.base import Source
from receiver.sources.fields import (
    MAX_BODY,
    MAX_NAME,
    Moment,
    Whole,
    flat,
)

RUN_KEY = "api"  # one reporter a build, without attempts of its own
# What a shell, a URL and a table show as it is.
PRINTABLE = "^[!-~\u00a1-\uffff][ -~\u00a1-\uffff]*$"


class Fitting(validate.Regexp):
    """A pattern of the whole text: Python's `$` lets a last newline through."""

    def __call__(self, value: Any) -> Any:
        if not self.regex.fullmatch(value):
            raise ValidationError(self._format_error(value))
        return value


class Strict(Schema):
    """Unknown fields are refused; `may_be_left_out` is a body that need not be sent."""

    may_be_left_out: ClassVar[bool] = False

    class Meta:
        unknown = RAISE


class Line(fields.String):
    """Text without spaces at its end."""

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> str:
        line: str = super()._deserialize(value, *more, **named)
        return line.rstrip()


class Integer(Whole):
    """As Whole; JSON does not tell 50.0 from 50."""

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> int:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        return super()._deserialize(whole, *more, **named)


def about(description: str, **more: Any) -> Json:
    """Return the metadata of a field in the API's document."""
    return {"metadata": {"description": description, **more}}


def label(**more: Any) -> fields.String:
    """Return a field of short printable text."""
    problem = "Must be printable and not begin with a space."
    shape = Fitting(PRINTABLE, error=problem)
    return Line(validate=[validate.Length(1, MAX_NAME), shape], **more)


def words(longest: int, **more: Any) -> fields.String:
    """Return a field of text that is not empty."""
    return fields.String(validate=validate.Length(1, longest), **more)


class BuildAhead(Strict):
    """The identity of a build; names that the tables lack are created."""

    project = label(**about("Made where the tables lack it, as the others are."))
    platform = label()
    os_version = label()
    image_type = label()
    created_by = label(**about("The token's name by default."))


class Cancellation(Strict):
    """Why the build is cancelled."""

    may_be_left_out = True
    reason = words(4_000, **about("Shown at the stages that it cut."))


WHEN = about("Now by default; without a zone it is UTC.")


class Placed(Strict):
    """An event of a stage."""

    stage = label(**about("Its name; the stage map tells its state."))
    state = Integer(0, 100, **about("How far the build is by it; stands above the map."))
    at = Moment(**WHEN)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _has_a_place(self, _data: Json, original: Any, **_: Any) -> None:
        if isinstance(original, dict) and not original.keys() & {"stage", "state"}:
            raise ValidationError("Give the stage, the state or both.", "stage")


class NewState(Placed):
    """A stage of a build began or ended."""

    status = fields.String(required=True, validate=validate.OneOf(STAGE_STATUSES))
    message = words(60_000, **about("Why it failed, or a warning."))


class NewFailure(Placed):
    """A stage of a build failed."""

    message = words(60_000, required=True)
    type = label(**about("Such as provisioner."))
    component = label(**about("What failed, such as ansible."))
    details = fields.Dict(keys=fields.String())


KIND = about("`resumable` is only for the next attempt to start from.")


class NewArtifact(Strict):
    """An artifact of a build, its place and its end."""

    artifact_id = words(2_000, required=True, **about("Such as ami-0abc1234."))
    region = label()
    builder_type = label()
    name = label()
    storage = label(**about("Where the path is to be looked for, such as s3."))
    path = words(4_000)
    size_bytes = Integer(0, 2**53)
    checksum = label(**about("Such as sha256:…"))
    kind = fields.String(
        validate=validate.OneOf(("final", "resumable")), load_default="final", **KIND
    )
    state = Integer(0, 100, **about("How far the image is."))
    expires_at = Moment(**about("Until when it is kept; for ever by default."))
    at = Moment(**WHEN)


def parse(request: Request, document: Json) -> Content:
    """Return the statement of a kept delivery. Raises Invalid with each wrong field."""
    number, kind = document.get("build_number"), document.get("kind")
    if not isinstance(number, str) or not NUMBER_SHAPE.fullmatch(number):
        raise Invalid(fields={"build_number": [NUMBER_PROBLEM]})
    if not isinstance(kind, str) or kind not in KINDS:
        raise Invalid(fields={"kind": [f"Must be one of {', '.join(KINDS)}."]})
    try:
        # Marshmallow refuses what is no object; its types would have that checked before.
        body = KINDS[kind][0]().load(document.get("said"))  # type: ignore[arg-type]
    except ValidationError as error:
        raise Invalid(fields=flat(error.messages_dict, "said")) from error
    return Content((statement(number, kind, body, request.received_at),))


def default_creator(name: str) -> Json:
    """Return `created_by` for the name of an actor; none if it is no valid label."""
    try:
        return dict(BuildAhead().load({"created_by": name}))
    except ValidationError:
        return {}


def statement(number: str, kind: str, body: Json, received_at: datetime) -> Statement:
    """Return the statement of a validated body; `kind` is a key of KINDS."""
    event = KINDS[kind][1](body, body.get("at") or received_at)
    identity = body if kind == "build" else {}
    return Statement(
        number,
        Run(RUN_KEY),
        (event,),
        said=Identity(**{name: identity.get(name) for name in DIMENSIONS}),
        created_by=identity.get("created_by"),
    )


def _build(_body: Json, at: datetime) -> Event:
    return Event("build", at, "pending")


def _cancel(body: Json, at: datetime) -> Event:
    reason = body.get("reason")
    return Event("build", at, "cancelled", failure=Failure("cancelled", reason) if reason else None)


def _state(body: Json, at: datetime) -> Event:
    message = body.get("message")
    failure = Failure(message=message) if message else None
    return Event("stage", at, body["status"], body.get("stage"), body.get("state"), failure=failure)


def _failure(body: Json, at: datetime) -> Event:
    failure = Failure(
        body.get("type", "stage"), body["message"], body.get("component"), body.get("details")
    )
    return Event("stage", at, "failed", body.get("stage"), body.get("state"), failure=failure)


def _artifact(body: Json, at: datetime) -> Event:
    fields_of_artifact = {
        name: value for name, value in body.items() if name not in ("state", "at")
    }
    return Event("artifact", at, state=body.get("state"), artifact=Artifact(**fields_of_artifact))


KINDS: dict[str, tuple[type[Schema], Callable[[Json, datetime], Event]]] = {
    "build": (BuildAhead, _build),
    "cancel": (Cancellation, _cancel),
    "state": (NewState, _state),
    "failure": (NewFailure, _failure),
    "artifact": (NewArtifact, _artifact),
}


def verify(_request: Request, _secrets: tuple[Secret, ...]) -> None:
    """Raise Unauthorized: only the API, with a token, makes such a delivery."""
    raise Unauthorized


def identify(_request: Request, _document: Json) -> tuple[str, str]:
    """Raise Unauthorized: the API names each delivery."""
    raise Unauthorized


SOURCE = Source(
    name="api",
    verify=verify,
    identify=identify,
    parse=parse,
    max_body=MAX_BODY,
    content_types=(),
    own=True,
)
