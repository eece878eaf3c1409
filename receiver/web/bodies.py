"""The body of a request, read once and in pieces."""

from io import BytesIO
from typing import IO

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from receiver.errors import Malformed, TooLarge

PIECE_BYTES = 2**20  # gunicorn reads as much from a socket at once


def read_body(limit: int) -> bytes:
    """Return the body, of at most `limit` bytes. A chunked one has no length, so one byte more is
    read: Werkzeug would cut it silently at the limit. Raises Malformed or TooLarge."""
    length = request.content_length or 0
    if length > limit:
        raise TooLarge(f"A body may have {limit} bytes.")
    request.max_content_length = limit + 1
    try:
        body = _read(request.stream, length or limit + 1)
    except (ClientDisconnected, OSError, ParseException) as error:
        raise Malformed("The body ended early, or its chunks are malformed.") from error
    if len(body) < length:
        raise Malformed("The body is shorter than its Content-Length.")
    if len(body) > limit:
        raise TooLarge(f"A body may have {limit} bytes.")
    return body


def _read(stream: IO[bytes], limit: int) -> bytes:
    """Return at most `limit` bytes, read in pieces into a buffer that grows in place: for one large
    read, each layer below would hold a copy."""
    buffer = BytesIO()
    while (left := limit - buffer.tell()) and (piece := stream.read(min(PIECE_BYTES, left))):
        buffer.write(piece)
    return buffer.getvalue()
