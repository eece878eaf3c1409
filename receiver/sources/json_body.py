"""Bytes → mapping, safely: strict UTF-8 JSON within bounds, fit for PostgreSQL's JSONB.

orjson refuses NaN, infinities, lone surrogates, a byte order mark and trailing text; what it lets
through is bounded here, because a signed body is not yet a sane one.
"""

import re
import sys
from dataclasses import dataclass, field
from typing import Any

import orjson

from receiver.errors import Undecodable
from receiver.sources.shortening import MAX_NODES, MAX_SHORT, MAX_TEXT, shortened

MAX_DEPTH = 64
MAX_KEY = 256
NESTED = (dict, list)  # orjson makes no others, and none of a subclass
MAX_TEXTS = 2 * MAX_SHORT  # bytes of memory: one wide character makes four of each of its text's
CUT_MARK = "… [cut]"
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"\s*+(:?)', re.DOTALL)  # and what makes it a key


@dataclass(slots=True)
class Decoded:
    """The document, and what is odd about it: `sanitized` (it had U+0000), `cut`, and
    `duplicate_keys`, of which the last one counts."""

    document: dict[str, Any]
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Walk:
    """Looks at every value, and mends texts where they are: a copy would double what it costs."""

    nodes: int = 0
    named: int = 0  # keys
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
        self.named += len(document)
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
    text = shortened(body) if len(body) > MAX_TEXT else body
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Undecodable("The body is not JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise Undecodable("The body is not a JSON object.")
    named, flags = _named(document) if _is_plain(body) else None, set[str]()
    if named is None:
        walk = _Walk()
        walk.value(document, 0)
        named, flags = walk.named, walk.flags
    if _names_twice(text, named):
        flags.add("duplicate_keys")
    return Decoded(document, tuple(sorted(flags)))


def _is_plain(body: bytes) -> bool:
    """Whether its bytes alone show that no text of it is too long or has to be changed, and that it
    has not too many values: a text is no longer than its bytes."""
    return len(body) <= MAX_TEXT and b"\\u0000" not in body


def _named(document: dict[str, Any]) -> int | None:
    """How many keys it has; None where one is too long or something is nested too deep. Looks at
    objects and lists alone, level by level: to look at every value would cost too much.
    """
    level: list[Any] = [document]
    named = 0
    for _ in range(MAX_DEPTH):
        objects = [each for each in level if type(each) is dict]
        if any(max(map(len, each), default=0) > MAX_KEY for each in objects):
            return None
        named += sum(map(len, objects))
        values = [each.values() if type(each) is dict else each for each in level]
        level = [value for each in values for value in each if type(value) in NESTED]
        if not level:
            return named
    return None


def _names_twice(text: bytes, named: int) -> bool:
    """Whether more keys are written in JSON than were kept."""
    at_most = text.count(b'":') + text.count(b'" :')  # also texts that begin with a colon
    return at_most > named and sum(map(len, _TEXT.findall(text))) > named
