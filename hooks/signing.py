"""The headers that authenticate a delivery: Standard Webhooks, or a bearer token.

Spec: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from hooks.errors import HookError
from hooks.settings import setting

STANDARD = "whsec_"
BEARER = "bearer:"

_TOKEN = re.compile(r"[!-~]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def secret_of(env: Mapping[str, str]) -> str:
    """Return the first line of MILEPOST_SECRET; raise HookError without the secret in it."""
    lines = setting(env, "MILEPOST_SECRET").split()
    if not lines:
        raise HookError("not reporting: set MILEPOST_SECRET")
    if not _is_well_formed(lines[0]):
        raise HookError(
            "not reporting: MILEPOST_SECRET must be whsec_ and base64, or bearer: and a token"
        )
    return lines[0]


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of one try; the id is the same for every try, the time is not."""
    headers = {"webhook-id": message_id}
    if secret.startswith(BEARER):
        return {**headers, "authorization": f"Bearer {secret[len(BEARER) :]}"}
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {**headers, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def _is_well_formed(secret: str) -> bool:
    if secret.startswith(BEARER):
        return _TOKEN.fullmatch(secret[len(BEARER) :]) is not None
    if not secret.startswith(STANDARD) or not _BASE64.fullmatch(secret[len(STANDARD) :]):
        return False
    try:
        return bool(_key(secret))
    except binascii.Error:
        return False


def _key(secret: str) -> bytes:
    text = secret[len(STANDARD) :].rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
