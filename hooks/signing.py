"""The headers that prove who sends: Standard Webhooks, or a bearer token.

Spec: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from hooks.errors import HookError

STANDARD = "whsec_"
BEARER = "bearer:"


def secret_of(env: Mapping[str, str]) -> str:
    """The first line of MILEPOST_SECRET; HookError where it is missing or of no known kind."""
    lines = env.get("MILEPOST_SECRET", "").split()
    if not lines:
        raise HookError("not reporting: set MILEPOST_SECRET")
    if not lines[0].startswith((STANDARD, BEARER)):
        raise HookError("not reporting: MILEPOST_SECRET must start with whsec_ or bearer:")
    return lines[0]


def headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one try; the id is the same for every try, the time is not."""
    named = {"webhook-id": message_id}
    if secret.startswith(BEARER):
        return {**named, "authorization": f"Bearer {secret[len(BEARER) :]}"}
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {**named, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret[len(STANDARD) :] + "==", validate=False)
    except binascii.Error as error:
        raise HookError("not reporting: MILEPOST_SECRET is no base64 behind whsec_") from error
