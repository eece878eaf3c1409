"""Addresses of the receiver's pages, without a password that is in MILEPOST_URL; pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from hooks.identity import Values
from hooks.settings import base_address


def build(env: Mapping[str, str], values: Values) -> str:
    """Return the URL of the build's page. Raises HookError."""
    parts = urlsplit(base_address(env))
    host = parts.netloc.rpartition("@")[2]
    number = quote(values["build_number"].text or "", safe=":@+")
    return f"{parts.scheme}://{host}{parts.path}/builds/{number}"
