"""Ways to pretend to be a sender: number in the project's list of bad inputs, what, the headers.

GitLab's token and Jenkins's Basic sign no body: there only the token is tried.
"""

import base64
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.senders import proof, signed

Headers = dict[str, str]
Forgery = tuple[int, str, Callable[[str, bytes], Headers]]
HUB_HEADER = "X-Hub-Signature-256"


def key(text: str) -> str:
    return "whsec_" + base64.b64encode(text.ljust(32).encode()).decode()


SIGNING = {source: key(source) for source in ("milepost", "packer", "gitlab", "cloudevents")}
BEARING = {source: f"bearer:token-of-{source}" for source in ("milepost", "packer", "cloudevents")}
TOKEN, LOGIN, HUB = "gitlab-token", "jenkins:pass word", "a secret of GitHub"
SECRETS = {
    **{source: (SIGNING[source], BEARING[source]) for source in BEARING},
    "gitlab": (SIGNING["gitlab"], TOKEN),
    "github": (HUB,),
    "jenkins": (LOGIN,),
}


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def changed(name: str, change: Callable[[str], str]) -> Callable[[str, bytes], Headers]:
    """The right headers with one of them changed."""

    def make(secret: str, body: bytes) -> Headers:
        right = signed(body, secret)
        return right | {name: change(right[name])}

    return make


def put(name: str, value: str) -> Callable[[str, bytes], Headers]:
    return changed(name, lambda _: value)


STANDARD: list[Forgery] = [
    (1, "none", lambda _, __: {}),
    (2, "empty", put("webhook-signature", "")),
    (3, "another secret", lambda _, body: signed(body, key("mallory"))),
    (4, "one byte more", lambda secret, body: signed(body + b" ", secret)),
    (4, "one byte other", lambda secret, body: signed(body.replace(b"1", b"2", 1), secret)),
    (7, "not ASCII", put("webhook-signature", "v1,\xe9")),
    (9, "two headers", changed("webhook-signature", lambda right: f"{right},{right}")),
    (10, "garbage", put("webhook-signature", "v1,garbage")),
    (10, "no comma", changed("webhook-signature", lambda right: right.replace(",", ""))),
    (10, "two commas", changed("webhook-signature", lambda right: right.replace(",", ",,"))),
    (10, "truncated", changed("webhook-signature", lambda right: right[:-2])),
    (10, "junk in it", changed("webhook-signature", lambda right: right[:9] + "!" + right[9:])),
    (10, "another version", changed("webhook-signature", lambda right: "v2" + right[2:])),
    (10, "upper case", changed("webhook-signature", str.upper)),
    (13, "stale", lambda secret, body: signed(body, secret, when=ago(303))),
    (14, "of the future", lambda secret, body: signed(body, secret, when=ago(-303))),
    (15, "time nan", put("webhook-timestamp", "nan")),
    (15, "time 1e9", put("webhook-timestamp", "1e9")),
    (15, "time with a point", changed("webhook-timestamp", lambda right: right + ".9")),
    (15, "time with spaces", changed("webhook-timestamp", lambda right: f" {right} ")),
    (15, "time fresh, not signed", put("webhook-timestamp", str(int(ago(1).timestamp())))),
    (15, "no time", put("webhook-timestamp", "")),
    (17, "replayed under another id", put("webhook-id", "msg_another")),
    (17, "no id", put("webhook-id", "")),
    (3, "the secret as a token", lambda secret, _: {"Authorization": f"Bearer {secret}"}),
    (3, "an empty token", lambda _, __: {"Authorization": "Bearer "}),
]
BEARER: list[Forgery] = [
    (3, "another token", lambda _, __: {"Authorization": "Bearer token-of-mallory"}),
    (3, "its beginning", lambda token, _: {"Authorization": f"Bearer {token[:-1]}"}),
    (3, "more than it", lambda token, _: {"Authorization": f"Bearer {token}x"}),
    (3, "another case", lambda token, _: {"Authorization": f"Bearer {token.upper()}"}),
    (3, "another scheme", lambda token, _: {"Authorization": f"Basic {token}"}),
    (3, "no scheme", lambda token, _: {"Authorization": token}),
    (3, "with its kind", lambda token, _: {"Authorization": f"Bearer bearer:{token}"}),
    (7, "not ASCII", lambda _, __: {"Authorization": "Bearer \xe9"}),
    (9, "beside a wrong signature", lambda token, body: signed(body, key("mallory"))
        | {"Authorization": f"Bearer {token}"}),
]  # fmt: skip
HUBS: list[Forgery] = [
    (1, "none", lambda _, __: {}),
    (2, "empty", lambda _, __: {"X-Hub-Signature-256": ""}),
    (3, "another secret", lambda _, body: proof("github", "mallory", body)),
    (4, "one byte more", lambda secret, body: proof("github", secret, body + b" ")),
    (5, "SHA-1", lambda secret, body: {
        "X-Hub-Signature": "sha1=" + hmac.digest(secret.encode(), body, "sha1").hex()}),
    (5, "SHA-1 in its place", lambda secret, body: {
        "X-Hub-Signature-256": "sha1=" + hmac.digest(secret.encode(), body, "sha1").hex()}),
    (6, "upper case", lambda secret, body: {
        "X-Hub-Signature-256": "sha256=" + proof("github", secret, body)[HUB_HEADER][7:].upper()}),
    (7, "not ASCII", lambda _, __: {"X-Hub-Signature-256": "sha256=\xe9"}),
    (9, "two headers", lambda secret, body: {
        "X-Hub-Signature-256": ",".join([*proof("github", secret, body).values()] * 2)}),
    (10, "truncated", lambda secret, body: {
        "X-Hub-Signature-256": proof("github", secret, body)[HUB_HEADER][:-1]}),
    (10, "no prefix", lambda secret, body: {
        "X-Hub-Signature-256": proof("github", secret, body)[HUB_HEADER][7:]}),
    (3, "the secret as a token", lambda secret, _: {"Authorization": f"Bearer {secret}"}),
]  # fmt: skip
TOKENS: list[Forgery] = [
    (1, "none", lambda _, __: {}),
    (2, "empty", lambda _, __: {"X-Gitlab-Token": ""}),
    (3, "another", lambda _, __: {"X-Gitlab-Token": "gitlab-tokem"}),
    (3, "its beginning", lambda token, _: {"X-Gitlab-Token": token[:-1]}),
    (3, "the signing secret", lambda _, __: {"X-Gitlab-Token": SIGNING["gitlab"]}),
    (7, "not ASCII", lambda _, __: {"X-Gitlab-Token": "\xe9"}),
    (9, "two headers", lambda token, _: {"X-Gitlab-Token": f"{token},{token}"}),
    (9, "beside a wrong signature", lambda token, body: signed(body, key("mallory"))
        | {"X-Gitlab-Token": token}),
]  # fmt: skip


def basic(text: str) -> Headers:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


LOGINS: list[Forgery] = [
    (1, "none", lambda _, __: {}),
    (2, "empty", lambda _, __: {"Authorization": "Basic "}),
    (3, "another password", lambda _, __: basic("jenkins:mallory")),
    (3, "another user", lambda _, __: basic("mallory:pass word")),
    (3, "no password", lambda _, __: basic("jenkins")),
    (7, "not ASCII", lambda _, __: {"Authorization": "Basic \xe9"}),
    (10, "not coded", lambda login, _: {"Authorization": f"Basic {login}"}),
    (10, "another scheme", lambda login, _: {
        "Authorization": "Bearer " + base64.b64encode(login.encode()).decode()}),
]  # fmt: skip


def forgeries() -> list[object]:
    """Every way on every source: source, secret, how to make the headers."""
    kinds = [
        *((source, secret, STANDARD) for source, secret in SIGNING.items()),
        *((source, secret.removeprefix("bearer:"), BEARER) for source, secret in BEARING.items()),
        ("github", HUB, HUBS),
        ("gitlab", TOKEN, TOKENS),
        ("jenkins", LOGIN, LOGINS),
    ]
    return [
        pytest.param(source, secret, make, id=f"{source}-{number}-{what}")
        for source, secret, cases in kinds
        for number, what, make in cases
    ]
