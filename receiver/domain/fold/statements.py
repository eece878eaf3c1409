"""Statements ⇄ JSON, as the events table keeps them; what has its default is left out."""

import msgspec

from receiver.domain.model import Statement

_DECODER = msgspec.json.Decoder(Statement)


def dump(statement: Statement) -> bytes:
    """The statement without its build's number and its manifest, which have their own columns."""
    return msgspec.json.encode(msgspec.structs.replace(statement, build_number="", manifest=None))


def load(text: str | bytes) -> Statement:
    """What dump() made, read back."""
    return _DECODER.decode(text)
