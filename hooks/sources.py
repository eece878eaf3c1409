"""The images that a build starts from, as `--source` and MILEPOST_SOURCE say them; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

MOST = 20  # that the receiver takes
MAX_LENGTH = 2_000

# As Packer's artifacts of Amazon, Alibaba, Tencent, Outscale and Scaleway name an image; anything
# else, as repository:tag or publisher:offer:sku:version, is an id as a whole.
_REGIONAL = re.compile(
    r"(?P<region>[a-z]{2,}[a-z0-9]*(?:-[a-z0-9]+)+):"
    r"(?P<id>(?:ami|snap|vol|img|m)-[\w.-]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_CREDENTIALS = re.compile(r"(\w+://)[^/@\s]*@")


def listed(texts: Iterable[str]) -> list[Json]:
    """Return the sources in texts such as `us-east-1:ami-0abc1234,eu-west-1:ami-0def5678`.

    >>> listed(["us-east-1:ami-0abc1234", "ubuntu:24.04"])
    [{'artifact_id': 'ami-0abc1234', 'region': 'us-east-1'}, {'artifact_id': 'ubuntu:24.04'}]
    """
    ids = [_plain(part.strip()) for text in texts for part in text.split(",")]
    known = dict.fromkeys(each for each in ids if 0 < len(each) <= MAX_LENGTH)
    return [_source(each) for each in known][:MOST]


def _plain(text: str) -> str:
    """Return an address without user, password and query, which may hold a signature."""
    if "://" not in text:
        return text
    return _CREDENTIALS.sub(r"\1", text).partition("?")[0]


def _source(text: str) -> Json:
    if match := _REGIONAL.fullmatch(text):
        return {"artifact_id": match["id"], "region": match["region"]}
    return {"artifact_id": text}
