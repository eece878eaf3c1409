"""Bodies as they are kept: compressed, since PostgreSQL's own way costs more time and bytes."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZSTD = "zstd"
LEVEL = 3  # zstd's own default
LARGEST = 2**26  # bytes; no source takes as many


def encode(body: bytes) -> tuple[bytes, str | None]:
    """Return the bytes to keep and their encoding; None where compressing saves nothing."""
    packed = zstd.compress(body, LEVEL)
    return (packed, ZSTD) if len(packed) < len(body) else (body, None)


def decode(kept: bytes, encoding: str | None, size: int) -> bytes | None:
    """Return the body of `size` bytes; None for a damaged one, which has another size.

    A backup may come from anywhere, and a few of its bytes could unpack to gigabytes: never more
    than one byte too many is unpacked.
    """
    body = kept
    if encoding == ZSTD:
        try:
            body = zstd.ZstdDecompressor().decompress(kept, max_length=min(size, LARGEST) + 1)
        except zstd.ZstdError:
            return None
    return body if len(body) == size else None
