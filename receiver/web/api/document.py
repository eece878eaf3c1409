"""The OpenAPI document of /api/v1, made from the operations and their schemas."""

import re
from collections.abc import Sequence
from copy import deepcopy
from functools import cache, partial
from typing import Any

import msgspec
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import fields

from receiver import __version__
from receiver.domain.model import Json
from receiver.sources.fields import Moment, Whole
from receiver.web.api.operations import Blueprint, Schema
from receiver.web.api.schemas import NUMBER
from receiver.web.filters import Since

ABOUT = """\
Where is every golden image build, from 0 to 100, and what came out of it?

Send a token (`milepost token create`) as `Authorization: Bearer …`. A statement about a build is
an event: it joins the reports of hooks and forges in the build's history, and the build's state
follows from all of them. Errors are RFC 9457 problem details with a stable `code`.
"""
INFO = {
    "description": ABOUT,
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "x-release": __version__,
}
TYPES = (
    (Whole, "integer", None),
    (Since, "string", None),
    (Moment, "string", "date-time"),
)
STAGE_OR_STATE = [{"required": ["stage"]}, {"required": ["state"]}]
WAYS_TO_ASSIGN = [{"required": [name]} for name in ("build_number", "from_channel", "previous")]
BUILD_NUMBER = "core-rhel-9-web-142"
DIMENSIONS = {
    "project": "core",
    "platform": "aws-commercial",
    "os_version": "rhel-9.4",
    "image_type": "web",
}
AMI = "ami-0abc1234"
AT = "2026-01-01T10:00:00Z"
EXAMPLES: dict[str, Json] = {
    "NewBuild": {"build_number": BUILD_NUMBER, **DIMENSIONS},
    "NewState": {"stage": "Security baseline", "state": 25, "status": "completed", "at": AT},
    "NewFailure": {
        "stage": "Security baseline",
        "state": 25,
        "message": "no route to host",
        "type": "provisioner",
        "component": "ansible",
        "details": {"task": "cis-5.2.3"},
    },
    "NewArtifact": {
        "artifact_id": AMI,
        "region": "us-east-1",
        "storage": "ec2",
        "kind": "final",
        "size_bytes": 8589934592,
    },
    "Cancellation": {"reason": "superseded by core-rhel-9-web-143"},
    "ImageNames": DIMENSIONS,
    "NewChannel": {
        "name": "prod",
        "project": "core",
        "restricted": True,
        "require": ["trivy", "tests"],
        "max_age": "7d",
    },
    "NewAssignment": {"build_number": BUILD_NUMBER, "note": "Tested for a week on dev."},
    "NewRevocation": {
        "reason": "CVE-2026-1234 in openssl",
        "in": "3d",
        "descendants": False,
        "rollback": [{"channel": "prod"}],
    },
    "Unassignment": {"image": DIMENSIONS, "note": "Nothing uses it any more."},
    "Notes": {"notes": "The route table of the subnet was missing."},
    "NewMerge": {"dimension": "os_version", "name": "rhel9", "into": "rhel-9"},
    "MergedName": {"dimension": "os_version", "name": "rhel9"},
    "NewPlatform": {"name": "aws-gov", "region": "us-gov-west-1"},
    "NewOsVersion": {"name": "rhel-9.4"},
    "NewImageType": {"name": "gpu", "description": "CUDA and its drivers"},
    "NewProject": {"name": "web-team", "parent": "core"},
    "ChangedPlatform": {"display_name": "AWS GovCloud"},
    "ChangedOsVersion": {"display_name": "Red Hat Enterprise Linux 9.4"},
    "ChangedImageType": {"description": None},
    "ChangedProject": {"parent": None},
    "StatementResult": {
        "build_number": BUILD_NUMBER,
        "status": "running",
        "current_state": 25,
        "attempt": 1,
        "delivery_id": "01900000-0000-7000-8000-000000000000",
        "duplicate": False,
    },
    "Image": {
        **DIMENSIONS,
        "region": "us-east-1",
        "artifact_id": AMI,
        "build_number": BUILD_NUMBER,
        "built_at": AT,
        "renewed_at": None,
        "age_seconds": 7200,
        "behind": 0,
        "superseded_at": None,
        "due_at": AT,
        "late": False,
        "late_reason": None,
        "missing_regions": [],
        "name": "rhel-9.4-web",
        "arch": "x86_64",
        "branch": "main",
        "inferred": None,
        "channel": None,
        "revocation": None,
        "base": None,
    },
    "Problem": {
        "type": "about:blank",
        "title": "Invalid request",
        "status": 422,
        "code": "invalid",
        "detail": "Invalid request",
        "request_id": "5e124111893648e2be8003a7b10abc8f",
        "errors": {"status": ["Must be one of: started, completed, failed, skipped, cancelled."]},
    },
}
VARIABLE = re.compile(r"<(?:(\w+):)?(\w+)>")  # of a path, as Flask writes it
VARIABLE_TYPES: dict[str, Json] = {"": {"minLength": 1}, "path": {}, "uuid": {"format": "uuid"}}
NAMES = {
    "platforms": DIMENSIONS["platform"],
    "os_versions": DIMENSIONS["os_version"],
    "image_types": DIMENSIONS["image_type"],
    "projects": DIMENSIONS["project"],
}


def register(app: Flask, blueprints: Sequence[Blueprint]) -> None:
    """Add the operations to an app, and a function that returns their document."""
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    app.extensions["milepost-openapi"] = partial(_document, tuple(blueprints))


@cache  # made once, when somebody reads it: that takes as long as the rest of the start
def _document(blueprints: tuple[Blueprint, ...]) -> Json:
    marshmallow = MarshmallowPlugin()
    spec = APISpec("Milepost", "v1", "3.1.0", [marshmallow], info=INFO, security=[{"bearer": []}])
    marshmallow.converter.add_attribute_function(_bounds)  # type: ignore[union-attr]
    for field, kind, form in TYPES:
        marshmallow.map_to_openapi_type(field, kind, form)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for blueprint in blueprints:
        spec.tag({"name": blueprint.name, "description": blueprint.description})
        for path, method, operation in deepcopy(blueprint.operations):
            tagged = {method: operation | {"tags": [blueprint.name]}}
            spec.path(VARIABLE.sub(r"{\2}", path), operations=tagged, parameters=_variables(path))
    answers = [schema for blueprint in blueprints for schema in blueprint.schemas]
    return _finished(spec.to_dict(), answers)


def _bounds(_converter: Any, field: fields.Field[Any], **_: Any) -> Json:
    """Return what marshmallow does not know of our own fields."""
    if isinstance(field, Whole):
        return {"minimum": field.low, "maximum": field.high}
    return {"anyOf": [{"format": "date-time"}, {"format": "date"}]} if type(field) is Since else {}


def _variables(path: str) -> list[Json]:
    return [
        {
            "in": "path",
            "name": name,
            "required": True,
            "schema": {"type": "string"} | VARIABLE_TYPES[kind] | _example(path, name),
        }
        for kind, name in VARIABLE.findall(path)
    ]


def _example(path: str, name: str) -> Json:
    if name == "build_number":
        return {"pattern": NUMBER, "examples": [BUILD_NUMBER]}
    example = NAMES.get(path.split("/")[3]) if name == "name" else DIMENSIONS.get(name)
    return {"examples": [example]} if example else {}


def _finished(document: Json, answers: Sequence[Schema]) -> Json:
    """Return the document with answers, examples, and fields that need each other."""
    template = "#/components/schemas/{name}"
    _, components = msgspec.json.schema_components(answers, ref_template=template)
    schemas = document["components"]["schemas"]
    for name, component in components.items():
        schemas[name] = component | {"additionalProperties": False}
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    for name in ("NewState", "NewFailure"):
        schemas[name]["anyOf"] = STAGE_OR_STATE
    schemas["NewAssignment"]["oneOf"] = WAYS_TO_ASSIGN
    schemas["NewAssignment"]["dependentRequired"] = {"previous": ["image"]}
    schemas["NewRevocation"]["not"] = {"required": ["at", "in"]}
    return document
