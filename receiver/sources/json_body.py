"""Decode a body safely: strict UTF-8 JSON within bounds, fit for PostgreSQL's JSONB.

orjson refuses NaN, infinities, lone surrogates, a byte order mark and trailing text; the rest is
bounded here, because a signed body is not yet a sane one. The bounds keep a request below 128 MB.
"""

import re
import sys
from dataclasses import dataclass, field
from typing import Any

import orjson

from receiver.errors import Undecodable

MAX_BODY = 5 * 2**20  # bytes; no delivery about a job or a pipeline comes near it
MAX_NODES = 100_000
MAX_DEPTH = 64
MAX_KEY = 256
MAX_TEXT = 64 * 1024
MAX_TEXTS = 2 * MAX_BODY  # bytes of memory: one wide character makes its text four times as long
NESTED = (dict, list)  # orjson makes no others, and none of a subclass
CUT_MARK = "… [cut]"
# A text, also one without an end: else each quote after it would be tried again.
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


@dataclass(slots=True)
class Decoded:
    """A document, and what was changed in it: `sanitized` (it had U+0000), `cut` (long texts)."""

    document: dict[str, Any]
    flags: tuple[str, ...] = ()


def check_size(body: bytes) -> None:
    """Raise Undecodable for a body that is too large to be read."""
    if len(body) > MAX_BODY:
        raise Undecodable(f"The body has more than {MAX_BODY} bytes: it was not read.")


def decode(body: bytes) -> Decoded:
    """Return the JSON object in the body. Raises Undecodable with a reason."""
    _check_containers(body)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable("The body is not JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise Undecodable("The body is not a JSON object.")
    if _is_plain(body) and _has_sane_keys(document):
        return Decoded(document)
    walk = _Walk()
    walk.value(document, 0)
    return Decoded(document, tuple(sorted(walk.flags)))


def _check_containers(body: bytes) -> None:
    """Raise Undecodable before millions of objects are made of a body of brackets."""
    if len(body) <= MAX_NODES or body.count(b"{") + body.count(b"[") <= MAX_NODES:
        return
    outside = _TEXT.sub(b"", body)
    if outside.count(b"{") + outside.count(b"[") > MAX_NODES:
        raise Undecodable(f"The body has more than {MAX_NODES} values.")


def _is_plain(body: bytes) -> bool:
    """Return whether a body is too short for a text too long or too many values, and has no NUL."""
    return len(body) <= MAX_TEXT and b"\\u0000" not in body


def _has_sane_keys(document: dict[str, Any]) -> bool:
    """Return whether no key is too long and no value too deep, without a look at every value."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        nested: list[Any] = []
        for each in level:
            if type(each) is list:
                nested += [value for value in each if type(value) in NESTED]
                continue
            for key, value in each.items():
                if len(key) > MAX_KEY:
                    return False
                if type(value) in NESTED:
                    nested.append(value)
        if not nested:
            return True
        level = nested
    return False


@dataclass(slots=True)
class _Walk:
    """Visits every value, and changes texts in place: a copy would double the memory."""

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
            renamed = {self.text(key): item for key, item in document.items()}
            document.clear()
            document.update(renamed)

    def text(self, text: str) -> str:
        if "\0" in text:  # PostgreSQL stores none, neither in TEXT nor in JSONB
            self.flags.add("sanitized")
            text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        longest = MAX_TEXT if self.room > 0 else MAX_TEXT // 4
        if len(text) > longest:
            self.flags.add("cut")
            text = text[:longest] + CUT_MARK
        self.room -= sys.getsizeof(text)
        return text
