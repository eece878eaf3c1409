"""Our hooks' envelope: signed as Standard Webhooks, or carried with a bearer token."""

from marshmallow import ValidationError, fields, validate

from receiver.domain.artifact_ids import named
from receiver.domain.delivery import Content, Request
from receiver.domain.model import (
    BUILD_STATUSES,
    DIMENSIONS,
    NAME_PLACES,
    STAGE_STATUSES,
    UNCHANGED,
    Artifact,
    Event,
    Failure,
    Identity,
    Json,
    Resource,
    Run,
    SourceImage,
    Statement,
)
from receiver.errors import Invalid
from receiver.sources import packer_manifest, signatures
from receiver.sources.base import Source
from receiver.sources.check_fields import CHECK, check_of
from receiver.sources.fields import (
    BUILD_NUMBER,
    MAX_BODY,
    Flag,
    Moment,
    Shape,
    Text,
    Whole,
    checked,
    delivery_key,
    flat,
    is_zoned,
    manifest_event,
)
from receiver.sources.run_keys import bounded

RESOURCE_STATUSES = ("created", "removed")
KINDS = ("stage", "build", "artifact", "resource", "heartbeat", "check")
STATUSES = {"stage": STAGE_STATUSES, "build": BUILD_STATUSES, "resource": RESOURCE_STATUSES}
MAX_EVENTS = 1_000
MAX_PLUGINS = 100
MAX_SOURCES = 20


def _fits_its_kind(event: Json) -> None:
    statuses = STATUSES.get(event["kind"])
    if statuses and event.get("status") not in statuses:
        raise ValidationError({"status": [f"Must be one of {', '.join(statuses)}."]})
    for kind in ("artifact", "resource", "check"):
        if event["kind"] == kind and not event.get(kind):
            raise ValidationError({kind: [f"An event of this kind needs its {kind}."]})
    if event.get("status") == "started" and not event.get("stage") and "state" not in event:
        raise ValidationError({"stage": ["A started stage needs a name or a state."]})


BUILD = Shape(  # which build it is about
    {
        "number": fields.String(required=True, validate=BUILD_NUMBER),
        "project": Text(allow_none=True),
        "platform": Text(allow_none=True),
        "os_version": Text(allow_none=True),
        "image_type": Text(allow_none=True),
        "created_by": Text(allow_none=True),
        "names": Shape({name: Text(allow_none=True) for name in NAME_PLACES}, allow_none=True),
    },
    required=True,
)
RUN = Shape(  # which run speaks
    {
        "key": fields.String(required=True, validate=validate.Length(1)),
        "attempt": Whole(1, 1_000_000, allow_none=True),
        "resumed_from": Whole(0, 100, allow_none=True),
        "url": fields.String(allow_none=True, validate=validate.Length(max=2_000)),
        "commit": Text(allow_none=True),
        "branch": Text(allow_none=True),
        "pipeline": fields.String(allow_none=True),
        "default_branch": Text(allow_none=True),
        "pull_request": Text(allow_none=True),
        "packer_version": Text(allow_none=True),
        "plugins": fields.Dict(
            keys=fields.String(),
            values=fields.String(),
            allow_none=True,
            validate=validate.Length(max=MAX_PLUGINS),
        ),
        "template_sha256": Text(allow_none=True),
        "dirty": Flag(allow_none=True),
        "number": fields.String(allow_none=True, validate=BUILD_NUMBER),
        "targets": Whole(1, 10_000, allow_none=True),
    },
    required=True,
)
FAILURE = Shape(  # why it failed
    {
        "type": Text(allow_none=True),
        "message": fields.String(allow_none=True),
        "component": Text(allow_none=True),
        "details": fields.Dict(keys=fields.String(), allow_none=True),
    },
    allow_none=True,
)
FILE = Shape({"name": fields.String(required=True), "size": Whole(0, 2**63 - 1, allow_none=True)})
ARTIFACT = Shape(  # one thing that the build made
    {
        "artifact_id": fields.String(required=True, validate=validate.Length(max=2_000)),
        "region": Text(allow_none=True),
        "builder_type": Text(allow_none=True),
        "name": Text(allow_none=True),
        "files": fields.List(FILE, allow_none=True),
        "custom_data": fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True),
        "checksum": Text(allow_none=True),
    },
    allow_none=True,
)
RESOURCE = Shape(  # something in a cloud that a build's log names
    {
        "type": fields.String(required=True, validate=validate.Length(1, 100)),
        "id": fields.String(required=True, validate=validate.Length(1, 500)),
    },
    allow_none=True,
)
SOURCE_IMAGE = Shape(  # what the build starts from
    {
        "artifact_id": fields.String(required=True, validate=validate.Length(1, 2_000)),
        "region": Text(allow_none=True),
    }
)
EVENT = Shape(  # one fact
    {
        "kind": fields.String(required=True, validate=validate.OneOf(KINDS)),
        "at": Moment(required=True),
        "status": fields.String(allow_none=True),
        "stage": Text(allow_none=True),
        "state": Whole(0, 100),
        "allowed": Flag(allow_none=True),
        "word": Text(allow_none=True),
        "failure": FAILURE,
        "artifact": ARTIFACT,
        "resource": RESOURCE,
        "check": CHECK,
    },
    rule=_fits_its_kind,
)


def _says_something(envelope: Json) -> None:
    if not envelope.get("events") and envelope.get("manifest") is None:
        raise ValidationError({"events": ["Give events or a manifest."]})


ENVELOPE = Shape(  # what our hooks send
    {
        "version": fields.Integer(required=True, strict=True, validate=validate.Equal(1)),
        "build": BUILD,
        "run": RUN,
        "events": fields.List(EVENT, allow_none=True, validate=validate.Length(max=MAX_EVENTS)),
        "manifest": fields.Raw(allow_none=True),
        "sources": fields.List(
            SOURCE_IMAGE, allow_none=True, validate=validate.Length(max=MAX_SOURCES)
        ),
    },
    rule=_says_something,
)


def identify(request: Request, _document: Json) -> tuple[str, str]:
    """Return `webhook-id` as the key; else a digest, as a bearer post has no id."""
    return "report", delivery_key(request)


def parse(request: Request, document: Json) -> Content:
    """Return one statement. Raises Invalid with each wrong field."""
    try:
        envelope = ENVELOPE.deserialize(document)
    except ValidationError as error:
        raise Invalid(fields=flat(error.messages_dict)) from error
    manifest = envelope.get("manifest")
    if manifest is not None:
        manifest = checked(manifest, "manifest")
    zoned = all(is_zoned(each["at"]) for each in document.get("events") or [])
    return Content((_statement(envelope, manifest, request),), flags=() if zoned else ("no_zone",))


def _statement(envelope: Json, manifest: Json | None, request: Request) -> Statement:
    build, run = envelope["build"], _without_nulls(envelope["run"])
    run |= {name: bounded(run[name]) for name in ("key", "pipeline") if name in run}
    names = packer_manifest.names(manifest or {}) | _without_nulls(build.get("names") or {})
    told = envelope.get("events") or []
    events = [_event(each) for each in told if each["kind"] != "check"]
    if manifest is not None:
        events.append(manifest_event(manifest, request))
    return Statement(
        build_number=build["number"],
        run=Run(**{name: value for name, value in run.items() if value != ""}),
        events=tuple(events),
        said=Identity(**{name: build.get(name) or None for name in DIMENSIONS}),
        custom=packer_manifest.custom(manifest)[0] if manifest else Identity(),
        created_by=build.get("created_by") or None,
        manifest=manifest,
        names={place: name for place, name in names.items() if name},
        sources=tuple(_source_image(each) for each in envelope.get("sources") or ()),
        checks=tuple(
            check_of(each["check"], each["at"]) for each in told if each["kind"] == "check"
        ),
    )


def _source_image(document: Json) -> SourceImage:
    return SourceImage(document["artifact_id"], document.get("region") or None)


def _event(document: Json) -> Event:
    failure, artifact, resource = (
        document.get(name) for name in ("failure", "artifact", "resource")
    )
    return Event(
        kind=document["kind"],
        at=document["at"],
        status=document.get("status"),
        stage=document.get("stage") or None,
        state=document.get("state"),
        allowed=bool(document.get("allowed")),
        word=_word(document),
        failure=Failure(**_without_nulls(failure)) if failure else None,
        artifact=Artifact(**_artifact(artifact)) if artifact else None,
        resource=Resource(**resource) if resource else None,
    )


def _word(document: Json) -> str | None:
    """Return the word of a verdict; one that this release does not know is left out, so that the
    verdict of a newer hook is taken."""
    is_good = document["kind"] == "build" and document.get("status") == "completed"
    return UNCHANGED if is_good and document.get("word") == UNCHANGED else None


def _artifact(document: Json) -> Json:
    files = tuple(document.get("files") or ())
    artifact_id = named(document["artifact_id"], files)
    return {**_without_nulls(document), "artifact_id": artifact_id, "files": files}


def _without_nulls(document: Json) -> Json:
    return {name: value for name, value in document.items() if value is not None}


SOURCE = Source(
    name="milepost",
    verify=signatures.verify_standard_or_bearer,
    identify=identify,
    parse=parse,
    max_body=MAX_BODY,
    own=True,
)
