"""/api/v1/platforms, os_versions, image_types and projects."""

from typing import Any

from flask import Response, url_for

from receiver.sources.manual import Strict
from receiver.storage import dimension_admin
from receiver.web.api import answer_schemas, request_schemas
from receiver.web.api.operations import Blueprint, json, page
from receiver.web.api.shapes import page_of
from receiver.web.auth import who
from receiver.web.context import services

Json = dict[str, Any]
KINDS: dict[str, tuple[str, type[Strict], type[Strict], type[Strict]]] = {
    "platform": (
        "platforms",
        request_schemas.NewPlatform,
        request_schemas.ChangedPlatform,
        answer_schemas.Platform,
    ),
    "os_version": (
        "os_versions",
        request_schemas.NewOsVersion,
        request_schemas.ChangedOsVersion,
        answer_schemas.OsVersion,
    ),
    "image_type": (
        "image_types",
        request_schemas.NewImageType,
        request_schemas.ChangedImageType,
        answer_schemas.ImageType,
    ),
    "project": (
        "projects",
        request_schemas.NewProject,
        request_schemas.ChangedProject,
        answer_schemas.Project,
    ),
}


def blueprint_of(kind: str) -> Blueprint:
    """The operations on the rows of one table."""
    path, new, changed, answer = KINDS[kind]
    words = kind.replace("os_version", "OS version").replace("_", " ")
    blueprint = Blueprint(path, __name__, description=answer.__doc__)
    _reading(blueprint, kind, words, answer)
    _creating(blueprint, kind, words, new, answer)
    _changing(blueprint, kind, words, changed, answer)
    _removing(blueprint, kind, words)
    return blueprint


def _reading(blueprint: Blueprint, kind: str, words: str, answer: type[Strict]) -> None:
    path, *_ = KINDS[kind]

    @blueprint.operation(
        "GET",
        f"/{path}",
        caller="read",
        query=request_schemas.NamesQuery,
        answers={200: page_of(answer)},
        operationId=f"list_{path}",
        summary=f"Every {words}, by name",
    )
    def list_(query: Json) -> Response:
        after = query.get("after")
        return page(*dimension_admin.list_rows(services().database, kind, query["limit"], after))

    @blueprint.operation(
        "GET",
        f"/{path}/<path:name>",
        caller="read",
        answers={200: answer},
        operationId=f"show_{kind}",
        summary=f"One {words}",
    )
    def show(name: str) -> Response:
        return json(dimension_admin.find_row(services().database, kind, name))


def _creating(
    blueprint: Blueprint, kind: str, words: str, new: type[Strict], answer: type[Strict]
) -> None:
    path, *_ = KINDS[kind]

    @blueprint.operation(
        "POST",
        f"/{path}",
        caller="write",
        body=new,
        answers={201: answer},
        errors=(404, 409) if kind == "project" else (409,),
        operationId=f"create_{kind}",
        summary=f"Create a {words}; what reports name is created by itself",
    )
    def create(body: Json) -> Response:
        made = json(dimension_admin.create_row(services().database, kind, body, who()), 201)
        made.headers["Location"] = url_for(f"{path}.show", name=body["name"])
        return made


def _changing(
    blueprint: Blueprint, kind: str, words: str, changed: type[Strict], answer: type[Strict]
) -> None:
    path, *_ = KINDS[kind]

    @blueprint.operation(
        "PATCH",
        f"/{path}/<path:name>",
        caller="admin",
        body=changed,
        answers={200: answer},
        errors=(409,),
        operationId=f"change_{kind}",
        summary=f"Change a {words}; its builds follow a new name, the old one is an alias",
    )
    def change(body: Json, name: str) -> Response:
        return json(dimension_admin.change_row(services().database, kind, name, body, who()))


def _removing(blueprint: Blueprint, kind: str, words: str) -> None:
    path, *_ = KINDS[kind]

    @blueprint.operation(
        "DELETE",
        f"/{path}/<path:name>",
        caller="admin",
        answers={204: None},
        errors=(409,),
        operationId=f"delete_{kind}",
        summary=f"Delete a {words} that nothing refers to; else 409 says what does",
    )
    def delete(name: str) -> Response:
        dimension_admin.delete_row(services().database, kind, name, who())
        return Response(status=204)


blueprints = [blueprint_of(kind) for kind in KINDS]
