"""Bodies as they are kept: compressed, and never larger than they came."""

import pytest

from receiver.storage.body_encoding import ZSTD, decode, encode


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 100_000, bytes(range(256))])
def test_a_body_comes_back_as_it_was(body: bytes):
    kept, encoding = encode(body)
    assert decode(kept, encoding, len(body)) == body
    assert len(kept) <= len(body)


def test_a_kept_body_of_another_size_than_it_came_with_counts_as_gone():
    bomb, encoding = encode(bytes(2**28))
    assert encoding == ZSTD
    for size in (0, 100, 2**28 - 1, 2**28, 2**31 - 1):
        assert decode(bomb, encoding, size) is None
    assert decode(b"no zstd", ZSTD, 7) is None
    assert decode(b"other", None, 4) is None
