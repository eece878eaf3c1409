"""/api/v1/platforms, os_versions, image_types and projects."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from flask import Response, url_for
from marshmallow import fields, validate
from msgspec import Meta, Struct

from receiver.domain.model import Json
from receiver.sources.manual import PRINTABLE, Fitting, Integer, Line, Strict, about, label, words
from receiver.storage import dimension_admin
from receiver.storage.db import Row
from receiver.web.api.operations import Answers, Blueprint, Schema, View, page, page_of
from receiver.web.api.schemas import Time
from receiver.web.auth import actor
from receiver.web.context import services
from receiver.web.filters import NamesQuery, required_text

PROVIDER = "^[a-z0-9][a-z0-9_-]{0,99}$"


Declare = Callable[[View], View]


def own_name(**more: Any) -> fields.String:
    problem = "Must be printable and not begin with a space."
    return Line(validate=[validate.Length(1, 200), Fitting(PRINTABLE, error=problem)], **more)


class NameQuery(Strict):
    """The name of one row, which may have slashes."""

    name = required_text()


def provider() -> fields.String:
    return fields.String(validate=Fitting(PROVIDER, error="Must be as aws: a-z 0-9 _ -"))


class ChangedPlatform(Strict):
    """Changed fields of a platform."""

    name = own_name()
    display_name = label()
    cloud_provider = provider()
    region = label(allow_none=True)


class ChangedOsVersion(Strict):
    """Changed fields of an OS version."""

    name = own_name()
    display_name = label()
    os_family = label()
    major_version = Integer(0, 2**31 - 1)
    minor_version = Integer(0, 2**31 - 1, allow_none=True)


class ChangedImageType(Strict):
    """Changed fields of an image type."""

    name = own_name()
    display_name = label()
    description = words(4_000, allow_none=True)


class ChangedProject(Strict):
    """Changed fields of a project."""

    name = own_name()
    description = words(4_000, allow_none=True)
    parent = label(allow_none=True, **about("The name of the project that it is below."))


class NamedRow(Struct):
    """A row with a name of its own."""

    id: UUID
    name: str
    created_at: Time
    updated_at: Time


class Platform(NamedRow):
    """A platform that images run on."""

    display_name: str
    cloud_provider: str
    region: str | None


class OsVersion(NamedRow):
    """An operating system that images contain."""

    display_name: str
    os_family: str
    major_version: int
    minor_version: int | None


class ImageType(NamedRow):
    """A purpose of images."""

    display_name: str
    description: str | None


class Project(NamedRow):
    """An owner of images."""

    description: str | None
    parent: Annotated[str | None, Meta(description="The project above it.")]


DIMENSIONS: dict[str, tuple[str, type[Strict], Schema]] = {
    "platform": ("platforms", ChangedPlatform, Platform),
    "os_version": ("os_versions", ChangedOsVersion, OsVersion),
    "image_type": ("image_types", ChangedImageType, ImageType),
    "project": ("projects", ChangedProject, Project),
}


def blueprint_of(dimension: str) -> Blueprint:
    """Return the operations on the rows of one dimension."""
    table, changed, row = DIMENSIONS[dimension]
    blueprint = Blueprint(table, row.__doc__ or "")
    words = dimension.replace("os_version", "OS version").replace("_", " ")
    _add_reads(blueprint, dimension, words, row)
    _add_create(blueprint, dimension, words, changed, row)
    _add_changes(blueprint, dimension, words, changed, row)
    _add_named(blueprint, dimension, words, changed, row)
    return blueprint


def _with_name(changed: type[Strict]) -> type[Strict]:
    """Return the schema of a new row: that of a change, with a name."""
    name = changed.__name__.replace("Changed", "New")
    return type(name, (changed,), {"name": own_name(required=True)})


def _add_reads(blueprint: Blueprint, dimension: str, words: str, row: Schema) -> None:
    table, one = blueprint.name, f"/{blueprint.name}/<path:name>"

    @blueprint.operation(
        "GET",
        f"/{table}",
        "read",
        {200: page_of(row)},
        query=NamesQuery,
        operationId=f"list_{table}",
        summary=f"List every {words} by name",
    )
    def list_(query: Json) -> Json:
        limit, after = query["limit"], query.get("after")
        return page(*dimension_admin.list_rows(services().database, dimension, limit, after))

    @blueprint.operation(
        "GET", one, "read", {200: row}, operationId=f"show_{dimension}", summary=f"Show one {words}"
    )
    def show(name: str) -> Row:
        return dimension_admin.find_row(services().database, dimension, name)


def _add_create(
    blueprint: Blueprint, dimension: str, words: str, changed: type[Strict], row: Schema
) -> None:
    table = blueprint.name

    @blueprint.operation(
        "POST",
        f"/{table}",
        "write",
        {201: row},
        body=_with_name(changed),
        errors=(404, 409) if dimension == "project" else (409,),
        operationId=f"create_{dimension}",
        summary=f"Create a {words}; a reported one is created by itself",
    )
    def create(body: Json) -> tuple[Row, int, Json]:
        created = dimension_admin.create_row(services().database, dimension, body, actor())
        return created, 201, {"Location": _address(table, body["name"])}


def _address(table: str, name: str) -> str:
    """Return the address of a row; a browser would resolve a path of dots, and join slashes."""
    is_plain = "/" not in name and name not in (".", "..")
    return url_for(f"{table}.{'show' if is_plain else 'find'}", name=name)


def _add_changes(
    blueprint: Blueprint, dimension: str, words: str, changed: type[Strict], row: Schema
) -> None:
    one = f"/{blueprint.name}/<path:name>"

    @blueprint.operation(
        "PATCH",
        one,
        "admin",
        {200: row},
        body=changed,
        errors=(409,),
        operationId=f"change_{dimension}",
        summary=f"Change a {words}; a renamed one keeps its builds, and the old name as an alias",
    )
    def change(body: Json, name: str) -> Row:
        return dimension_admin.change_row(services().database, dimension, name, body, actor())

    @blueprint.operation(
        "DELETE",
        one,
        "admin",
        {204: None},
        errors=(409,),
        operationId=f"delete_{dimension}",
        summary=f"Delete a {words} without references; otherwise 409 names them",
    )
    def delete(name: str) -> Response:
        dimension_admin.delete_row(services().database, dimension, name, actor())
        return Response(status=204)


def _add_named(
    blueprint: Blueprint, dimension: str, words: str, changed: type[Strict], row: Schema
) -> None:
    """Add the operations on one row by a name in the query, which may have slashes."""
    path = f"/{dimension}"

    def operation(method: str, caller: str, answers: Answers, verb: str, **more: Any) -> Declare:
        more |= {"operationId": f"{verb}_named_{dimension}"}
        more |= {"summary": f"{verb.capitalize()} a {words}, whose name may have slashes"}
        return blueprint.operation(method, path, caller, answers, query=NameQuery, **more)

    @operation("GET", "read", {200: row}, "show", errors=(404,))
    def find(query: Json) -> Row:
        return dimension_admin.find_row(services().database, dimension, query["name"])

    @operation("PATCH", "admin", {200: row}, "change", body=changed, errors=(404, 409))
    def change_named(query: Json, body: Json) -> Row:
        name = query["name"]
        return dimension_admin.change_row(services().database, dimension, name, body, actor())

    @operation("DELETE", "admin", {204: None}, "delete", errors=(404, 409))
    def delete_named(query: Json) -> Response:
        dimension_admin.delete_row(services().database, dimension, query["name"], actor())
        return Response(status=204)


blueprints = [blueprint_of(dimension) for dimension in DIMENSIONS]
