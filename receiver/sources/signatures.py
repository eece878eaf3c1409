"""Verify signatures on raw bytes, in constant time, every refusal the same; and sign our own.

Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks (spec 1.0.0).
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Iterable
from datetime import datetime

from receiver.domain.delivery import Request, Secret
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


def verify_standard_or_bearer(request: Request, secrets: tuple[Secret, ...]) -> None:
    """Raise Unauthorized unless the request has a Standard Webhooks signature or a bearer token.

    If a signature is present, the token does not count.
    """
    if "webhook-signature" in request.headers:
        _require_signature(request, secrets)
    else:
        _require(request, "authorization", _has_login(request, "bearer", _tokens(secrets)))


def standard_headers(
    message_id: str, body: bytes, secrets: Iterable[str], now: datetime
) -> dict[str, str]:
    """Return the headers of a Standard Webhook, signed with each secret: one may be the next.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    stamp = str(int(now.timestamp()))
    content = f"{message_id}.{stamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix(STANDARD) + "==") for secret in secrets]
    digests = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{digest}" for digest in digests),
    }


def verify_hub(request: Request, secrets: tuple[Secret, ...]) -> None:
    """Raise Unauthorized unless X-Hub-Signature-256 is valid; the SHA-1 header does not count.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    keys = [key.encode() for key in secrets if isinstance(key, str)]
    digests = [hmac.new(key, request.body, "sha256").hexdigest() for key in keys]
    expected = [f"sha256={digest}" for digest in digests]
    header = "x-hub-signature-256"
    _require(request, header, _equals_any(request.headers.get(header, ""), expected))


def verify_standard_or_token(request: Request, secrets: tuple[Secret, ...]) -> None:
    """Raise Unauthorized unless the request has a Standard Webhooks signature or, without one, a
    token in X-Gitlab-Token."""
    if "webhook-signature" in request.headers:
        _require_signature(request, secrets)
    else:
        tokens = [each for each in secrets if not _is_key(each)]
        header = "x-gitlab-token"
        _require(request, header, _equals_any(request.headers.get(header, ""), tokens))


def verify_basic(request: Request, secrets: tuple[Secret, ...]) -> None:
    """Raise Unauthorized unless HTTP Basic has one of the secrets, each `user:password`."""
    expected = [each if isinstance(each, bytes) else _login(each) for each in secrets]
    _require(request, "authorization", _has_login(request, "basic", expected))


def digest_of(source: str, secret: str) -> bytes | None:
    """Return the SHA-256 of the text that a sender of this source shows as its proof.

    None for a secret that signs: the receiver needs it as it is. A digest hides random secrets
    alone; one that a person made up could be guessed from it.
    """
    if source == "github" or _is_key(secret):
        return None
    shown = _login(secret) if source == "jenkins" else secret.removeprefix(BEARER)
    return hashlib.sha256(shown.encode()).digest()


def check_secret(secret: str) -> str | None:
    """Return the problem of a secret of this kind, or None."""
    if _BEARER_SECRET.fullmatch(secret) or _STANDARD_SECRET.fullmatch(secret):
        return None
    return (
        "must be 'whsec_' and the base64 of 24 to 64 random bytes, "
        "or 'bearer:' and a token of at least 8 characters"
    )


def _require(request: Request, header: str, passed: bool) -> None:
    if not passed:
        raise Unauthorized("wrong-signature" if request.headers.get(header) else "no-signature")


def _tokens(secrets: tuple[Secret, ...]) -> list[Secret]:
    """Return the bearer tokens, and the digests of such."""
    return [
        each.removeprefix(BEARER) if isinstance(each, str) else each
        for each in secrets
        if isinstance(each, bytes) or each.startswith(BEARER)
    ]


def _is_key(secret: Secret) -> bool:
    return isinstance(secret, str) and secret.startswith(STANDARD)


def _login(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def _require_signature(request: Request, secrets: tuple[Secret, ...]) -> None:
    headers = request.headers
    shapes = (
        MESSAGE_ID.fullmatch(headers.get("webhook-id", "")),
        _TIMESTAMP.fullmatch(headers.get("webhook-timestamp", "")),
        _SIGNATURES.fullmatch(headers["webhook-signature"]),
    )
    if not all(shapes):
        raise Unauthorized
    keys = [key for key in secrets if isinstance(key, str) and _is_key(key)]
    passed = [_verifies(key, request) for key in keys]
    if not any(passed):
        raise Unauthorized
    if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE_SECONDS:
        raise Unauthorized("wrong-time")


def _verifies(key: str, request: Request) -> bool:
    """Return whether the raw bytes have a signature of this key. They are not copied: the library
    would decode them, to up to four times their size."""
    secret, headers = _decoded(key), request.headers
    if not secret:  # whoever knows nothing could sign with an empty one
        return False
    digest = hmac.new(secret, digestmod="sha256")
    digest.update(f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode())
    digest.update(request.body)
    expected = b"v1," + base64.b64encode(digest.digest())
    signatures = headers["webhook-signature"].encode().split(b" ")
    matches = [hmac.compare_digest(expected, each) for each in signatures]
    return any(matches)


def _decoded(key: str) -> bytes:
    """Return the bytes of a key; none if it is no base64."""
    try:
        return base64.b64decode(key.removeprefix(STANDARD) + "==")
    except binascii.Error:
        return b""


def _has_login(request: Request, scheme: str, known: Iterable[Secret]) -> bool:
    given_scheme, _, login = request.headers.get("authorization", "").partition(" ")
    return _equals_any(login, known) and given_scheme.lower() == scheme


def _equals_any(text: str, known: Iterable[Secret]) -> bool:
    """Compare bytes, with each in constant time: text outside ASCII makes compare_digest raise."""
    sent = text.encode("latin-1", "replace")
    digest = hashlib.sha256(sent).digest()
    matches = [
        hmac.compare_digest(digest, each)
        if isinstance(each, bytes)
        else hmac.compare_digest(sent, each.encode())
        for each in known
    ]
    return any(matches)
