"""The OpenAPI document of /api/v1, made from the operations and their schemas."""

from typing import Any

from flask import Flask
from flask_smorest import Api
from marshmallow import fields

from receiver import __version__
from receiver.sources.fields import Moment, Whole
from receiver.web.api.examples import EXAMPLES
from receiver.web.api.request_schemas import NUMBER, Number, Since

Json = dict[str, Any]
ABOUT = """\
Where is every golden image build, from 0 to 100, and what came out of it?

Show a token (`milepost token create`) as `Authorization: Bearer …`. What is said of a build is an
event: it enters the build's history beside what hooks and forges report, and the build's state
follows from all of them. Errors are RFC 9457 problem details with a stable `code`.
"""
INFO = {
    "API_TITLE": "Milepost",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "x-release": __version__,
        },
        "security": [{"bearer": []}],
    },
}
TYPES = ((Whole, "integer", None), (Number, "integer", None), (Moment, "string", "date-time"))
PLACED = [{"required": ["stage"]}, {"required": ["state"]}]
PATH = {
    "build_number": {"pattern": NUMBER, "examples": ["core-rhel-9-web-142"]},
    "platform": {"examples": ["aws-commercial"]},
    "os_version": {"examples": ["rhel-9.4"]},
    "image_type": {"examples": ["web"]},
}
NAMES = {
    "platforms": "aws-commercial",
    "os_versions": "rhel-9.4",
    "image_types": "web",
    "projects": "core",
}


class Document(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest without its error handlers and pages: app.py has one way to answer errors."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave errors to app.py."""

    def _register_doc_blueprint(self) -> None:
        """Leave the document to pages.py: it is as closed as what it describes."""


def register(app: Flask, blueprints: list[Any]) -> None:
    """Add the operations to an app, and make their document."""
    app.config.update(INFO)
    document = Document(app)
    document.ma_plugin.converter.add_attribute_function(_bounds)
    for kind, name, form in (*TYPES, (Since, "string", None)):
        document.register_field(kind, name, form)
    document.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for blueprint in blueprints:
        document.register_blueprint(blueprint)
    app.extensions["milepost-openapi"] = finished(document.spec.to_dict())


def _bounds(_converter: Any, field: fields.Field[Any], **_: Any) -> Json:
    """What our own fields allow."""
    if isinstance(field, Whole | Number):
        return {"minimum": field.low, "maximum": field.high}
    return {"anyOf": [{"format": "date-time"}, {"format": "date"}]} if type(field) is Since else {}


def finished(document: Json) -> Json:
    """With what marshmallow cannot tell: examples, and which fields need each other; pure."""
    schemas = document["components"]["schemas"]
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    for name in ("NewState", "NewFailure"):
        schemas[name]["anyOf"] = PLACED
    for unused in ("Error", "PaginationMetadata"):  # flask-smorest's own
        del schemas[unused]
    for address, path in document["paths"].items():
        named = {"examples": [NAMES.get(address.split("/")[3], "")]}
        for parameter in path.get("parameters", ()):
            parameter["schema"].update((PATH | {"name": named}).get(parameter["name"], {}))
    return document
