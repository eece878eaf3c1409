"""A key that is said twice is seen, however the document is written."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.sources.json_body import decode

WORDS = st.text(st.sampled_from('ab:"\\ ,{é'), max_size=4)
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=5)


def written(pairs: list[tuple[str, str]], colon: str) -> str:
    """An object as JSON, with every pair that there is."""
    said = ", ".join(f"{json.dumps(key)}{colon}{json.dumps(value)}" for key, value in pairs)
    return f"{{{said}}}"


def is_twice(pairs: list[tuple[str, str]]) -> bool:
    return len(dict(pairs)) < len(pairs)


@settings(max_examples=500, deadline=None)
@given(outer=PAIRS, inner=PAIRS, colon=st.sampled_from([":", ": ", " : "]), large=st.booleans())
def test_a_key_that_is_said_twice_is_seen(
    outer: list[tuple[str, str]], inner: list[tuple[str, str]], colon: str, large: bool
):
    more = json.dumps("x" * 70_000 if large else "")
    text = f'{{"a": {written(outer, colon)}, "b": [{written(inner, colon)}], "c": {more}}}'
    expected = is_twice(outer) or is_twice(inner)
    assert ("duplicate_keys" in decode(text.encode()).flags) == expected
