"""Verify signatures on raw bytes, in constant time; every refusal is the same.

Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks (spec 1.0.0).
"""

import base64
import binascii
import hmac
import re
import time
from collections.abc import Iterable, Mapping

from receiver.errors import Unauthorized

BEARER = "bearer:"
STANDARD = "whsec_"
TOLERANCE_SECONDS = 300

# Libraries take " 167.9 " for a time and skip junk in base64; these let neither through.
_TIMESTAMP = re.compile(r"[0-9]{10}")
_SIGNATURES = re.compile(r"v1a?,[A-Za-z0-9+/]+=*(?: v1a?,[A-Za-z0-9+/]+=*){0,15}")
MESSAGE_ID = re.compile(r"[!-~]{1,255}")
_STANDARD_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{22,88}={0,2}")
_BEARER_SECRET = re.compile(r"bearer:[!-~]{8,}")


def standard_or_bearer(headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> None:
    """Raise Unauthorized unless the request has a Standard Webhooks signature or a bearer token.

    If a signature is present, the token does not count.
    """
    if "webhook-signature" in headers:
        keys = [secret for secret in secrets if secret.startswith(STANDARD)]
        passed = _has_signature(headers, body, keys)
    else:
        tokens = [secret for secret in secrets if secret.startswith(BEARER)]
        passed = _has_token(headers.get("authorization", ""), tokens)
    if not passed:
        raise Unauthorized


def hub(headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> None:
    """Raise Unauthorized unless GitHub's X-Hub-Signature-256 is valid.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    signature = headers.get("x-hub-signature-256", "").encode("latin-1", "replace")
    expected = [
        b"sha256=" + hmac.new(key.encode(), body, "sha256").hexdigest().encode() for key in secrets
    ]
    matches = [hmac.compare_digest(signature, each) for each in expected]
    if not any(matches):
        raise Unauthorized


def standard_or_token(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], header: str
) -> None:
    """Raise Unauthorized unless the request has a Standard Webhooks signature or, without one, a
    token in the header."""
    known = list(secrets)
    if "webhook-signature" in headers:
        passed = _has_signature(
            headers, body, [each for each in known if each.startswith(STANDARD)]
        )
    else:
        tokens = [each for each in known if not each.startswith(STANDARD)]
        passed = _equals_any(headers.get(header, ""), tokens)
    if not passed:
        raise Unauthorized


def basic(headers: Mapping[str, str], secrets: Iterable[str]) -> None:
    """Raise Unauthorized unless HTTP Basic has one of the secrets, each `user:password`."""
    scheme, _, login = headers.get("authorization", "").partition(" ")
    expected = [base64.b64encode(secret.encode()).decode() for secret in secrets]
    if not _equals_any(login, expected) or scheme.lower() != "basic":
        raise Unauthorized


def check_secret(secret: str) -> str | None:
    """Return the problem of a secret of this kind, or None."""
    if _BEARER_SECRET.fullmatch(secret) or _STANDARD_SECRET.fullmatch(secret):
        return None
    return (
        "must be 'whsec_' and the base64 of 24 to 64 random bytes, "
        "or 'bearer:' and a token of at least 8 characters"
    )


def _has_signature(headers: Mapping[str, str], body: bytes, keys: Iterable[str]) -> bool:
    shapes = (
        MESSAGE_ID.fullmatch(headers.get("webhook-id", "")),
        _TIMESTAMP.fullmatch(headers.get("webhook-timestamp", "")),
        _SIGNATURES.fullmatch(headers["webhook-signature"]),
    )
    if not all(shapes):
        return False
    passed = [_verifies(key, headers, body) for key in keys]
    return any(passed)


def _verifies(key: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the raw bytes have a fresh signature of this key. They are not copied: the
    library would decode them, to up to four times their size."""
    secret = _decoded(key)
    if not secret:  # whoever knows nothing could sign with an empty one
        return False
    digest = hmac.new(secret, digestmod="sha256")
    digest.update(f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode())
    digest.update(body)
    expected = b"v1," + base64.b64encode(digest.digest())
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) <= TOLERANCE_SECONDS
    signatures = headers["webhook-signature"].encode().split(b" ")
    matches = [hmac.compare_digest(expected, each) for each in signatures]
    return fresh and any(matches)


def _decoded(key: str) -> bytes:
    """Return the bytes of a key; none if it is no base64."""
    try:
        return base64.b64decode(key.removeprefix(STANDARD) + "==")
    except binascii.Error:
        return b""


def _has_token(authorization: str, tokens: Iterable[str]) -> bool:
    scheme, _, token = authorization.partition(" ")
    passed = _equals_any(token, [known[len(BEARER) :] for known in tokens])
    return passed and scheme.lower() == "bearer"


def _equals_any(text: str, known: Iterable[str]) -> bool:
    """Compare bytes: text outside ASCII makes compare_digest raise."""
    sent = text.encode("latin-1", "replace")
    matches = [hmac.compare_digest(sent, each.encode()) for each in known]
    return any(matches)
