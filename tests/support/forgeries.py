"""Ways to pretend to be a sender: for each kind of proof, the headers of who is none.

GitLab's token and Jenkins's Basic sign no body: there only the token is tried.
"""

import base64
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support import forges
from tests.support.senders import proof, sign

Headers = dict[str, str]
Forgery = Callable[[str, bytes], Headers]  # from the secret and the body
HUB, BEARER, TOKEN = "X-Hub-Signature-256", "Authorization", "X-Gitlab-Token"
SIGNATURE, TIME, ID = "webhook-signature", "webhook-timestamp", "webhook-id"


def key(text: str) -> str:
    return "whsec_" + base64.b64encode(text.ljust(32).encode()).decode()


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def sha1(secret: str, body: bytes) -> str:
    return "sha1=" + hmac.digest(secret.encode(), body, "sha1").hex()


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


SIGNING = {source: key(source) for source in ("milepost", "packer", "gitlab", "cloudevents")}
BEARING = {source: f"bearer:token-of-{source}" for source in ("milepost", "packer", "cloudevents")}
SECRETS = {
    **{source: (SIGNING[source], BEARING[source]) for source in BEARING},
    "gitlab": (SIGNING["gitlab"], forges.SECRETS["gitlab"]),
    "github": (forges.SECRETS["github"],),
    "jenkins": (forges.SECRETS["jenkins"],),
}

# By the kind of proof: a header of the right proof, and what becomes of its value.
EDITS: dict[str, dict[str, tuple[str, Callable[[str], str]]]] = {
    "standard": {
        "empty": (SIGNATURE, lambda _: ""),
        "not ASCII": (SIGNATURE, lambda _: "v1,\xe9"),
        "two headers": (SIGNATURE, lambda right: f"{right},{right}"),
        "garbage": (SIGNATURE, lambda _: "v1,garbage"),
        "no comma": (SIGNATURE, lambda right: right.replace(",", "")),
        "two commas": (SIGNATURE, lambda right: right.replace(",", ",,")),
        "truncated": (SIGNATURE, lambda right: right[:-2]),
        "junk in it": (SIGNATURE, lambda right: right[:9] + "!" + right[9:]),
        "another version": (SIGNATURE, lambda right: "v2" + right[2:]),
        "upper case": (SIGNATURE, str.upper),
        "time nan": (TIME, lambda _: "nan"),
        "time 1e9": (TIME, lambda _: "1e9"),
        "time with a point": (TIME, lambda right: right + ".9"),
        "time with spaces": (TIME, lambda right: f" {right} "),
        "time fresh, not signed": (TIME, lambda _: str(int(ago(1).timestamp()))),
        "no time": (TIME, lambda _: ""),
        "replayed under another id": (ID, lambda _: "msg_another"),
        "no id": (ID, lambda _: ""),
    },
    "bearer": {
        "another token": (BEARER, lambda _: "Bearer token-of-mallory"),
        "an empty token": (BEARER, lambda _: "Bearer "),
        "its beginning": (BEARER, lambda right: right[:-1]),
        "more than it": (BEARER, lambda right: f"{right}x"),
        "another case": (BEARER, lambda right: "Bearer " + right[7:].upper()),
        "another scheme": (BEARER, lambda right: right.replace("Bearer", "Basic")),
        "no scheme": (BEARER, lambda right: right[7:]),
        "with its kind": (BEARER, lambda right: right.replace(" ", " bearer:")),
        "not ASCII": (BEARER, lambda _: "Bearer \xe9"),
    },
    "hub": {
        "empty": (HUB, lambda _: ""),
        "nothing behind the prefix": (HUB, lambda _: "sha256="),
        "zeros": (HUB, lambda _: "sha256=" + "0" * 64),
        "upper case": (HUB, lambda right: "sha256=" + right[7:].upper()),
        "not ASCII": (HUB, lambda _: "sha256=\xe9"),
        "two headers": (HUB, lambda right: f"{right},{right}"),
        "truncated": (HUB, lambda right: right[:-1]),
        "no prefix": (HUB, lambda right: right[7:]),
    },
    "token": {
        "empty": (TOKEN, lambda _: ""),
        "another": (TOKEN, lambda _: "no"),
        "another end": (TOKEN, lambda right: right[:-1] + "m"),
        "its beginning": (TOKEN, lambda right: right[:-1]),
        "the signing secret": (TOKEN, lambda _: SIGNING["gitlab"]),
        "not ASCII": (TOKEN, lambda _: "\xe9"),
        "two headers": (TOKEN, lambda right: f"{right},{right}"),
    },
    "basic": {
        "empty": (BEARER, lambda _: "Basic "),
        "another password": (BEARER, lambda _: basic("jenkins:mallory")),
        "another user": (BEARER, lambda _: basic("mallory:a password")),
        "no password": (BEARER, lambda _: basic("jenkins")),
        "no login": (BEARER, lambda _: basic("")),
        "more than it": (BEARER, lambda _: basic(forges.SECRETS["jenkins"] + "x")),
        "not ASCII": (BEARER, lambda _: "Basic \xe9"),
        "a login that is not ASCII": (BEARER, lambda _: basic("\xe9")),
        "not coded": (BEARER, lambda _: "Basic " + forges.SECRETS["jenkins"]),
        "another scheme": (BEARER, lambda right: right.replace("Basic", "Bearer")),
    },
}
OTHERS: dict[str, dict[str, Forgery]] = {
    "standard": {
        "another secret": lambda _, body: sign(body, key("mallory")),
        "one byte more": lambda secret, body: sign(body + b" ", secret),
        "one byte other": lambda secret, body: sign(body.replace(b"1", b"2", 1), secret),
        "stale": lambda secret, body: sign(body, secret, when=ago(303)),
        "of the future": lambda secret, body: sign(body, secret, when=ago(-303)),
        "the secret as a token": lambda secret, _: {BEARER: f"Bearer {secret}"},
        "an empty token": lambda _, __: {BEARER: "Bearer "},
    },
    "bearer": {
        "beside a wrong signature": lambda secret, body: (
            sign(body, key("mallory")) | proof("milepost", secret, body)
        ),
    },
    "hub": {
        "another secret": lambda _, body: proof("github", "mallory", body),
        "one byte more": lambda secret, body: proof("github", secret, body + b" "),
        "SHA-1": lambda secret, body: {"X-Hub-Signature": sha1(secret, body)},
        "SHA-1 in its place": lambda secret, body: {HUB: sha1(secret, body)},
        "the secret as a token": lambda secret, _: {BEARER: f"Bearer {secret}"},
    },
    "token": {
        "beside a wrong signature": lambda secret, body: (
            sign(body, key("mallory")) | {TOKEN: secret}
        ),
        "beside garbage": lambda secret, body: (
            sign(body, SIGNING["gitlab"]) | {SIGNATURE: "v1,AAAA", TOKEN: secret}
        ),
    },
    "basic": {},
}


def edited(source: str, name: str, edit: Callable[[str], str]) -> Forgery:
    """Return the right headers with one of them changed."""

    def make(secret: str, body: bytes) -> Headers:
        right = proof(source, secret, body)
        return right | {name: edit(right[name])}

    return make


def forgeries() -> list[object]:
    """Return every way on every source: source, secret, how to make the headers."""
    kinds = [
        *((source, secret, "standard") for source, secret in SIGNING.items()),
        *((source, secret, "bearer") for source, secret in BEARING.items()),
        ("github", forges.SECRETS["github"], "hub"),
        ("gitlab", forges.SECRETS["gitlab"], "token"),
        ("jenkins", forges.SECRETS["jenkins"], "basic"),
    ]
    return [
        pytest.param(source, secret, make, id=f"{source}-{what}")
        for source, secret, kind in kinds
        for what, make in {
            "none": lambda _, __: {},
            **{what: edited(source, *edit) for what, edit in EDITS[kind].items()},
            **OTHERS[kind],
        }.items()
    ]
