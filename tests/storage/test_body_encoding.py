"""Bodies as they are kept: compressed, and never larger than they came."""

import hashlib
import sys
from pathlib import Path

import pytest

from receiver.storage import body_encoding
from receiver.storage.body_encoding import ZSTD_1, decode, encode
from tests.support.samples import SAMPLES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WORDS_SHA256 = "94fb92f8c95cbaa930b7fdad4c52822f3fdbe27fd76cbecad37d555d482b9836"
BODY = (
    b'{"action":"completed","workflow_job":{"id":84211,"run_id":500,"status":"completed"},'
    b'"sender":{"login":"ada","type":"User","site_admin":false}}'
)
KEPT = (
    "28b52ffd208e9d0100703834323135303066616c73657d7d0a003e6341b3"
    "57019c0b05904ae520be4e1917a71a9a38d500699d02764bedf08cc40102"
)


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 100_000, bytes(range(256))])
def test_a_body_comes_back_as_it_was(body: bytes):
    kept, encoding = encode(body)
    assert decode(kept, encoding, len(body)) == body
    assert len(kept) <= len(body)


def test_a_kept_body_of_another_size_than_it_came_with_counts_as_gone():
    bomb, encoding = encode(bytes(2**28))
    assert encoding == ZSTD_1
    for size in (0, 100, 2**28 - 1, 2**28, 2**31 - 1):
        assert decode(bomb, encoding, size) is None
    assert decode(b"no zstd", ZSTD_1, 7) is None
    assert decode(b"no zstd", "zstd", 7) is None
    assert decode(b"other", None, 4) is None


def test_the_words_are_those_that_kept_bodies_were_compressed_with():
    words = Path(body_encoding.__file__).with_name("body_words_1.jsonl").read_bytes()
    assert hashlib.sha256(words).hexdigest() == WORDS_SHA256
    assert decode(bytes.fromhex(KEPT), "zstd-1", len(BODY)) == BODY


def test_a_body_that_was_compressed_without_the_words_is_read():
    assert decode(zstd.compress(BODY), "zstd", len(BODY)) == BODY


@pytest.mark.parametrize("name", ["github/workflow_job.completed", "gitlab/job.running"])
def test_the_words_of_its_format_cost_a_body_little(name: str):
    body = (SAMPLES / f"{name}.json").read_bytes()
    assert len(encode(body)[0]) < 0.75 * len(zstd.compress(body, body_encoding.LEVEL))
