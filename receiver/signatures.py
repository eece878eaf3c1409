"""The verifiers: on raw bytes, in constant time, each refusal the same.

Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks (spec 1.0.0).
"""

import base64
import hmac
import re
import time
from collections.abc import Iterable, Mapping

from standardwebhooks import Webhook

from receiver.errors import Unauthorized

BEARER = "bearer:"
STANDARD = "whsec_"
TOLERANCE_SECONDS = 300

# The library takes " 167.9 " for a time and skips junk in base64; these let neither through.
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
    if not _is_text(body):
        return _verifies_bytes(key, headers, body)
    try:
        Webhook(key).verify(body, dict(headers), json_parse=False)
    except Exception:  # noqa: BLE001  # it lets ValueError, binascii.Error and more escape
        return False
    return True


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _verifies_bytes(key: str, headers: Mapping[str, str], body: bytes) -> bool:
    """The library signs text alone; a rightly signed body that is none is a 422, not a 401."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(base64.b64decode(key.removeprefix(STANDARD) + "=="), signed, "sha256")
    wanted = b"v1," + base64.b64encode(digest)
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) <= TOLERANCE_SECONDS
    given = headers["webhook-signature"].encode().split(b" ")
    matches = [hmac.compare_digest(wanted, each) for each in given]
    return fresh and any(matches)


def _borne(authorization: str, tokens: Iterable[str]) -> bool:
    scheme, _, token = authorization.partition(" ")
    passed = _equals_any(token, [known[len(BEARER) :] for known in tokens])
    return passed and scheme.lower() == "bearer"


def _equals_any(given: str, known: Iterable[str]) -> bool:
    """Compare bytes: text outside ASCII makes compare_digest raise."""
    sent = given.encode("latin-1", "replace")
    matches = [hmac.compare_digest(sent, each.encode()) for each in known]
    return any(matches)
