"""A long body is cut as bytes before it is decoded, and nobody can tell: it gives the document that
the whole of it would have given."""

import json
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.errors import Undecodable
from receiver.sources.json_body import CUT_MARK, MAX_TEXTS, decode
from receiver.sources.shortening import MAX_SHORT, MAX_TEXT, shortened

UNITS = ["x", '"', "\\", '\\"', "é\\", "\N{GRINNING FACE}", 'a"\N{GRINNING FACE}', "\x01", "],{"]
TEXTS = st.builds(
    lambda shift, unit, size: "y" * shift + unit * (size // len(unit)),
    st.integers(0, MAX_TEXT),
    st.sampled_from(UNITS),
    st.sampled_from([0, 10, MAX_TEXT - 1, 100_000, 300_000, 1_000_000, 1_300_000]),
)


def whole(value: Any) -> Any:
    """What is made of a document where nothing is cut before it is decoded."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + CUT_MARK
    if isinstance(value, list):
        return [whole(each) for each in value]
    return {key: whole(each) for key, each in value.items()} if isinstance(value, dict) else value


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), escaped=st.booleans())
def test_what_is_cut_as_bytes_is_what_the_whole_gives(texts: list[str], escaped: bool):
    document = {"before": [1, " "], "texts": texts, "after": {"b": None}}
    body = json.dumps(document).encode() if escaped else orjson.dumps(document)
    assert len(shortened(body)) <= MAX_SHORT
    assert decode(body).document == whole(document)


def test_a_text_is_cut_short_and_the_rest_stays():
    body = orjson.dumps({"a": "x" * 20_000_000, "b": ["y"]})
    assert len(shortened(body)) < 2**20
    assert decode(body).document["b"] == ["y"]


def test_texts_that_take_four_times_as_much_memory_are_cut_shorter():
    wide = "\N{GRINNING FACE}" + "x" * 60_000
    found = decode(orjson.dumps({"texts": [wide] * 80}))
    assert found.flags == ("cut",)
    assert sum(map(sys.getsizeof, found.document["texts"])) < 1.5 * MAX_TEXTS
    assert found.document["texts"][:40] == [wide] * 40
    assert all(text.startswith(wide[:10_000]) for text in found.document["texts"])
    narrow = {"texts": ["x" * 60_000] * 80}
    assert decode(orjson.dumps(narrow)).document == narrow


@pytest.mark.parametrize("place", range(65_500, 65_560))
def test_a_text_may_end_anywhere_in_a_piece(place: int):
    document = {"a": "x" * place, "b": '\\"', "c": "z"}
    assert decode(orjson.dumps(document)).document == whole(document)


@pytest.mark.parametrize(
    "body",
    [b'{"a":"' + b"x" * 2_000_000, b'{"a":"' + b"x" * 2_000_000 + b'"', b'{"a":' + b" " * 100_000],
)
def test_what_does_not_end_is_no_json(body: bytes):
    with pytest.raises(Undecodable):
        decode(body)
