"""Bytes → mapping, safely: strict UTF-8 JSON within bounds, fit for PostgreSQL's JSONB.

orjson refuses NaN, infinities, lone surrogates, a byte order mark and trailing text; what it lets
through is bounded here, because a signed body is not yet a sane one.
"""

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from receiver.errors import Undecodable

MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_KEY = 256
MAX_TEXT = 64 * 1024
CUT_MARK = "… [cut]"

# Up to the next sign that begins or parts values, past texts; it fits everywhere, so it never
# looks at a byte twice.
_SIGN = re.compile(rb'(?:[^\[{,"]++|"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z))*+(?:[\[{,]|\Z)', re.DOTALL)
_SIGNS = 2 * MAX_NODES  # of more values than are taken: each has a comma or a bracket before it


@dataclass(slots=True)
class Decoded:
    """The document, and what had to be changed in it: `sanitized` (U+0000) or `cut`."""

    document: dict[str, Any]
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Walk:
    nodes: int = 0
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
        if isinstance(value, list):
            return [self.value(item, depth + 1) for item in value]
        return {self.key(key): self.value(item, depth + 1) for key, item in value.items()}

    def key(self, key: str) -> str:
        if len(key) > MAX_KEY:
            raise Undecodable(f"A key is longer than {MAX_KEY} characters.")
        return self.text(key)

    def text(self, text: str) -> str:
        if "\0" in text:  # PostgreSQL stores none, neither in TEXT nor in JSONB
            self.flags.add("sanitized")
            text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        if len(text) > MAX_TEXT:
            self.flags.add("cut")
            text = text[:MAX_TEXT] + CUT_MARK
        return text


def decode(body: bytes) -> Decoded:
    """The JSON object in `body`; Undecodable, with a reason, where there is none."""
    if _has_too_many(body):
        raise Undecodable(f"The body has more than {MAX_NODES} values.")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable("The body is not JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise Undecodable("The body is not a JSON object.")
    if _is_plain(body) and _is_flat(document):
        return Decoded(document)
    walk = _Walk()
    clean = walk.value(document, 0)
    return Decoded(clean, tuple(sorted(walk.flags)))


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


def _has_too_many(body: bytes) -> bool:
    """Whether it has too many values, seen before each becomes an object: 25 MiB of `[],` would
    take a gigabyte."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") <= _SIGNS:
        return False
    return next(islice(_SIGN.finditer(body), _SIGNS + 1, None), None) is not None
