"""Bodies as they are kept: compressed, since PostgreSQL's own way costs more time and bytes.

Most of a small body are the words of its format, such as the fifty URLs of a repository in each one
of GitHub. They are in a dictionary, so that they cost a body next to nothing. It may never change:
what was compressed with it cannot be read with another one. A better one gets a number of its own.
"""

import sys
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WORDS = zstd.ZstdDict(Path(__file__).with_name("body_words_1.jsonl").read_bytes(), is_raw=True)
ZSTD_1 = "zstd-1"
DICTIONARIES = {"zstd": None, ZSTD_1: WORDS}  # by encoding
LEVEL = 3  # zstd's own default
LARGEST = 2**26  # bytes; no source takes as many


def encode(body: bytes) -> tuple[bytes, str | None]:
    """Return the bytes to keep and their encoding; None where compressing saves nothing."""
    packed = zstd.compress(body, LEVEL, zstd_dict=WORDS.as_digested_dict)
    return (packed, ZSTD_1) if len(packed) < len(body) else (body, None)


def decode(kept: bytes, encoding: str | None, size: int) -> bytes | None:
    """Return the body of `size` bytes; None for a damaged one, which has another size.

    A backup may come from anywhere, and a few of its bytes could unpack to gigabytes: never more
    than one byte too many is unpacked.
    """
    body = kept
    if encoding in DICTIONARIES:
        try:
            unpacking = zstd.ZstdDecompressor(zstd_dict=DICTIONARIES[encoding])
            body = unpacking.decompress(kept, max_length=min(size, LARGEST) + 1)
        except zstd.ZstdError:
            return None
    return body if len(body) == size else None
