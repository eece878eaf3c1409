"""The fields that answers are made of, and lists of answers."""

from typing import Any

from marshmallow import Schema, fields

from receiver.sources.manual import Strict


def text(**more: Any) -> fields.String:
    return fields.String(required=True, metadata=more)


def text_or_null(**more: Any) -> fields.String:
    return fields.String(required=True, allow_none=True, metadata=more)


def word(*known: str) -> fields.String:
    return fields.String(required=True, metadata={"enum": list(known)})


def whole(**more: Any) -> fields.Integer:
    return fields.Integer(required=True, metadata=more)


def whole_or_null(**more: Any) -> fields.Integer:
    return fields.Integer(required=True, allow_none=True, metadata=more)


def time() -> fields.DateTime:
    return fields.DateTime(required=True)


def time_or_null() -> fields.DateTime:
    return fields.DateTime(required=True, allow_none=True)


def flag(**more: Any) -> fields.Boolean:
    return fields.Boolean(required=True, metadata=more)


def mapping(**more: Any) -> fields.Dict:
    return fields.Dict(keys=fields.String(), required=True, metadata=more)


def many(schema: type[Schema]) -> fields.Field[Any]:
    return fields.List(fields.Nested(schema), required=True)


def list_of(schema: type[Schema], name: str = "") -> type[Schema]:
    """One answer with all items."""
    made = {"items": many(schema)}
    return Strict.from_dict(made, name=name or f"{schema.__name__}List")


def page_of(schema: type[Schema]) -> type[Schema]:
    """One page of items; `next` goes on, as `after`."""
    made: dict[str, fields.Field[Any]] = {"items": many(schema)}
    made["next"] = text_or_null(description="Null on the last page.")
    return Strict.from_dict(made, name=f"{schema.__name__}Page")
