"""The verifiers: on raw bytes, in constant time, each refusal the same.

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
    """Pass a Standard Webhooks signature or a bearer token; Unauthorized for everything else.

    Where a signature is present the token does not count.
    """
    if "webhook-signature" in headers:
        keys = [secret for secret in secrets if secret.startswith(STANDARD)]
        passed = _signed(headers, body, keys)
    else:
        tokens = [secret for secret in secrets if secret.startswith(BEARER)]
        passed = _borne(headers.get("authorization", ""), tokens)
    if not passed:
        raise Unauthorized


def hub(headers: Mapping[str, str], body: bytes, secrets: Iterable[str]) -> None:
    """Pass GitHub's X-Hub-Signature-256; Unauthorized for everything else.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    given = headers.get("x-hub-signature-256", "").encode("latin-1", "replace")
    wanted = [
        b"sha256=" + hmac.new(key.encode(), body, "sha256").hexdigest().encode() for key in secrets
    ]
    matches = [hmac.compare_digest(given, each) for each in wanted]
    if not any(matches):
        raise Unauthorized


def standard_or_token(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], header: str
) -> None:
    """Pass a Standard Webhooks signature or, where there is none, a plain token in a header."""
    known = list(secrets)
    if "webhook-signature" in headers:
        passed = _signed(headers, body, [each for each in known if each.startswith(STANDARD)])
    else:
        tokens = [each for each in known if not each.startswith(STANDARD)]
        passed = _equals_any(headers.get(header, ""), tokens)
    if not passed:
        raise Unauthorized


def basic(headers: Mapping[str, str], secrets: Iterable[str]) -> None:
    """Pass HTTP Basic with one of the secrets, each `user:password`."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    wanted = [base64.b64encode(secret.encode()).decode() for secret in secrets]
    if not _equals_any(given, wanted) or scheme.lower() != "basic":
        raise Unauthorized


def check_secret(secret: str) -> str | None:
    """What is wrong with a secret of this kind, or None."""
    if _BEARER_SECRET.fullmatch(secret) or _STANDARD_SECRET.fullmatch(secret):
        return None
    return (
        "must be 'whsec_' and the base64 of 24 to 64 random bytes, "
        "or 'bearer:' and a token of at least 8 characters"
    )


def _signed(headers: Mapping[str, str], body: bytes, keys: Iterable[str]) -> bool:
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
    """On the bytes as they came, of which no copy is made: the library makes a text of them, which
    may take four times as much, and refuses what is none; that is for whoever reads it to say."""
    secret = _decoded(key)
    if not secret:  # whoever knows nothing could sign with an empty one
        return False
    digest = hmac.new(secret, digestmod="sha256")
    digest.update(f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode())
    digest.update(body)
    wanted = b"v1," + base64.b64encode(digest.digest())
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) <= TOLERANCE_SECONDS
    given = headers["webhook-signature"].encode().split(b" ")
    matches = [hmac.compare_digest(wanted, each) for each in given]
    return fresh and any(matches)


def _decoded(key: str) -> bytes:
    """Its bytes; none where it is no base64."""
    try:
        return base64.b64decode(key.removeprefix(STANDARD) + "==")
    except binascii.Error:
        return b""


def _borne(authorization: str, tokens: Iterable[str]) -> bool:
    scheme, _, token = authorization.partition(" ")
    passed = _equals_any(token, [known[len(BEARER) :] for known in tokens])
    return passed and scheme.lower() == "bearer"


def _equals_any(given: str, known: Iterable[str]) -> bool:
    """Compare bytes: text outside ASCII makes compare_digest raise."""
    sent = given.encode("latin-1", "replace")
    matches = [hmac.compare_digest(sent, each.encode()) for each in known]
    return any(matches)
