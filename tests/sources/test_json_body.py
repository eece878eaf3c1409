"""Brackets are counted outside of texts, before millions of objects are made of a body."""

import pytest

from receiver.errors import Undecodable
from receiver.sources.json_body import MAX_NODES, decode

MANY = b"[" * (MAX_NODES + 1)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"a": ' + MANY, "more than 100000 values"),
        (b'{"a": "\\"", "b": ' + MANY, "more than 100000 values"),
        # A text without an end is read once: its escaped quotes begin no other text.
        (b'{"a": "' + rb"\"" * 10 + MANY, "not JSON"),
        (b'{"a": "\\' + MANY, "not JSON"),
    ],
)
def test_body_of_brackets_is_refused(body: bytes, problem: str):
    with pytest.raises(Undecodable, match=problem):
        decode(body)


def test_brackets_in_a_text_are_no_values():
    assert decode(b'{"a": "\\"' + MANY + b'"}').document["a"].startswith('"[[')
