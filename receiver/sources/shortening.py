"""A large JSON body made short, as bytes: the places where a value of it would be made are counted,
its longest texts are cut. 25 MiB may be a gigabyte of empty lists, or a text that takes four bytes
for each of its characters; what is made of a short body is bounded.

Grammar is for whoever decodes it to check; what is cut away nobody looks at.
"""

import re
from collections.abc import Iterator
from io import BytesIO

from receiver.errors import Undecodable

MAX_NODES = 100_000
MAX_TEXT = 64 * 1024
MAX_SHORT = 5 * 2**20  # as much as a body of our own formats has: none of them is too much

_PIECE = 64 * 1024
_SIGNS = 2 * MAX_NODES  # of more values than are taken: each has a comma or a bracket before it
# A character takes 12 bytes at most, as two surrogates: so many pieces are longer than MAX_TEXT.
_KEPT = 12 * MAX_TEXT // _PIECE + 2

# What cannot end a text: half a surrogate pair, a begun escape, a begun character.
_BROKEN = re.compile(
    rb"(?:(?<!\\)(?:\\\\)*(?:\\u[dD][89ABab]..)?(?:\\u[0-9A-Fa-f]{0,3})?|[\xc0-\xff][\x80-\xbf]*)\Z"
)
_REST = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)  # of a text, up to its end


def shortened(body: bytes) -> bytes:
    """The body, each text much longer than MAX_TEXT cut where it is still longer than that;
    Undecodable where it has too many values, or too much remains."""
    short, signs, is_text, inside = BytesIO(), 0, False, 0
    for piece in _pieces(body):
        parts = piece.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
        signs += _signs(b"".join(parts[is_text::2]))
        if is_text and len(parts) == 1:
            inside += 1
            short.write(_within(piece, inside))
        else:
            short.write(_across(piece, inside))
            inside = 0
        is_text ^= len(parts) % 2 == 0
        _check(signs, short.tell())
    return short.getvalue()


def _pieces(body: bytes) -> Iterator[bytes]:
    """Its pieces in turn; none ends between a backslash and what it escapes."""
    start = 0
    while start < len(body):
        piece = body[start : start + _PIECE]
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:
            piece = body[start : start + _PIECE + 1]
        yield piece
        start += len(piece)


def _signs(outside: bytes) -> int:
    """How many values may begin in what stands outside of texts."""
    return outside.count(b",") + outside.count(b"[") + outside.count(b"{")


def _within(piece: bytes, count: int) -> bytes:
    """What is kept of a piece inside of a text, as are those before it that are counted."""
    if count < _KEPT:
        return piece
    return _BROKEN.sub(b"", piece) if count == _KEPT else b""


def _across(piece: bytes, count: int) -> bytes:
    """What is kept of any other piece: where the text before it was cut, not the rest of that."""
    if piece.isspace():
        return b" "
    return _REST.sub(b"", piece, count=1) if count >= _KEPT else piece


def _check(signs: int, size: int) -> None:
    if signs > _SIGNS:
        raise Undecodable(f"The body has more than {MAX_NODES} values.")
    if size > MAX_SHORT:
        raise Undecodable(f"The body has more than {MAX_SHORT} bytes beside its longest texts.")
