"""Bytes → mapping, safely: strict UTF-8 JSON within bounds, fit for PostgreSQL's JSONB.

orjson refuses NaN, infinities, lone surrogates, a byte order mark and trailing text; what it lets
through is bounded here, because a signed body is not yet a sane one.
"""

import sys
from dataclasses import dataclass, field
from typing import Any

import orjson

from receiver.errors import Undecodable
from receiver.shortening import MAX_NODES, MAX_SHORT, MAX_TEXT, shortened

MAX_DEPTH = 64
MAX_KEY = 256
MAX_TEXTS = 2 * MAX_SHORT  # bytes of memory: one wide character makes four of each of its text's
CUT_MARK = "… [cut]"


@dataclass(slots=True)
class Decoded:
    """The document, and what had to be changed in it: `sanitized` (U+0000) or `cut`."""

    document: dict[str, Any]
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Walk:
    """Looks at every value, and mends texts where they are: a copy would double what it costs."""

    nodes: int = 0
    room: int = MAX_TEXTS
    flags: set[str] = field(default_factory=set)

    def value(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Undecodable(f"The body has more than {MAX_NODES} values.")
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, dict | list):
            return value
        if depth >= MAX_DEPTH:
            raise Undecodable(f"The body is nested deeper than {MAX_DEPTH} levels.")
        places: Any = enumerate(value) if isinstance(value, list) else value.items()
        for place, item in places:
            value[place] = self.value(item, depth + 1)
        if isinstance(value, dict):
            self.keys(value)
        return value

    def keys(self, document: dict[str, Any]) -> None:
        if max(map(len, document), default=0) > MAX_KEY:
            raise Undecodable(f"A key is longer than {MAX_KEY} characters.")
        if any("\0" in key for key in document):
            mended = {self.text(key): item for key, item in document.items()}
            document.clear()
            document.update(mended)

    def text(self, text: str) -> str:
        if "\0" in text:  # PostgreSQL stores none, neither in TEXT nor in JSONB
            self.flags.add("sanitized")
            text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        most = MAX_TEXT if self.room > 0 else MAX_TEXT // 4
        if len(text) > most:
            self.flags.add("cut")
            text = text[:most] + CUT_MARK
        self.room -= sys.getsizeof(text)
        return text


def decode(body: bytes) -> Decoded:
    """The JSON object in `body`; Undecodable, with a reason, where there is none."""
    try:
        document = orjson.loads(shortened(body) if len(body) > MAX_TEXT else body)
    except orjson.JSONDecodeError as error:
        raise Undecodable("The body is not JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise Undecodable("The body is not a JSON object.")
    if _is_plain(body) and _is_flat(document):
        return Decoded(document)
    walk = _Walk()
    walk.value(document, 0)
    return Decoded(document, tuple(sorted(walk.flags)))


def _is_plain(body: bytes) -> bool:
    """Whether its bytes alone show that no text of it is too long or has to be changed, and that it
    has not too many values: a text is no longer than its bytes."""
    return len(body) <= MAX_TEXT and b"\\u0000" not in body


def _is_flat(document: dict[str, Any]) -> bool:
    """Whether no key is too long and nothing is nested too deep; looks at objects and lists alone,
    level by level: a look at every value would cost most of what a delivery does."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        objects = [each for each in level if isinstance(each, dict)]
        if any(max(map(len, each), default=0) > MAX_KEY for each in objects):
            return False
        values = [each.values() if isinstance(each, dict) else each for each in level]
        level = [value for each in values for value in each if isinstance(value, dict | list)]
        if not level:
            return True
    return False
