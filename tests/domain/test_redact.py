"""Secrets are masked: values under keys with the name of a secret, and secrets in a text."""

from typing import Any

import pytest

from receiver.domain import redact
from tests.support.growth import growth

SECRETS = [
    ("password=hunter2 failed", "hunter2"),
    ("DB_PASSWORD: hunter2", "hunter2"),
    ("password = 'two words'", "two words"),
    ('{"client_secret": "hunter2"}', "hunter2"),
    (r"{\"token\": \"hunter2\"}", "hunter2"),
    ("config['api_key'] => hunter2", "hunter2"),
    ("X-Api-Key: hunter2", "hunter2"),
    ("curl -H 'Authorization: Bearer hunter2' https://x", "hunter2"),
    ("Authorization: token two words\nnext", "two words"),
    ("Set-Cookie: session=hunter2; Path=/", "hunter2"),
    ("git clone https://ada:hunter2@git.example.com/x", "hunter2"),
    ("redis://:hunter2@cache", "hunter2"),
    ("curl -u ada:hunter2 https://x", "hunter2"),
    ("curl --user=ada:hunter2 https://x", "hunter2"),
    ("curl\t-u ada:hunter2 x", "hunter2"),
    ("https://x.blob.core.windows.net/a?sv=1&sig=hunter2%2Bhunter2", "hunter2"),
    ("https://s3/a?X-Amz-Signature=0badc0de0badc0de", "0badc0de0badc0de"),
    ("sent Basic YWRhOmh1bnRlcjI=", "YWRhOmh1bnRlcjI="),
    ("key AKIAABCDEFGHIJKLMNOP is gone", "AKIAABCDEFGHIJKLMNOP"),
    (f"ghp_{'a1' * 18}", "a1a1"),
    (f"glpat-{'a1' * 10}", "a1a1"),
    (f"whsec_{'a1' * 16}", "a1a1"),
    (f"mp_{'a' * 43}", "aaaa"),
    (f"eyJ{'hbGciOi' * 2}.{'c3ViIjoi' * 2}.{'c2lnbmF0' * 2}", "c3ViIjoi"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEow\n cut", "MIIEow"),
    ("postgresql://u:hunter2@db/x?sslmode=require", "hunter2"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_in_a_text_is_masked(text: str, secret: str):
    masked = redact.text(text)
    assert secret not in masked
    assert redact.MASK in masked
    assert redact.document({"text": text}) == {"text": masked}


@pytest.mark.parametrize(
    "text",
    [
        "Timeout waiting for SSH after 1800 s.",
        "secret not found",
        "Basic configuration",
        "fatal: [10.0.3.17]: UNREACHABLE! No route to host",
        "https://github.com/acme/images/actions/runs/500",
        "key: value, tokenizer ran",
        "ami-0abc in eu-central-1:ami-1",
    ],
)
def test_a_text_without_a_secret_is_unchanged(text: str):
    assert redact.text(text) == text


def test_values_under_keys_that_look_secret_are_masked_in_a_copy():
    document: dict[str, Any] = {
        "custom_data": {"db_password": "x", "API_KEY": 7, "team": "z", "has_token": True},
        "credentials": {"user": "ada"},
        "variables": [{"key": "DB_SECRET", "value": "y"}, {"key": "TYPE", "value": "hana"}],
        "passphrase": None,
    }
    assert redact.document(document) == {
        "custom_data": {"db_password": "***", "API_KEY": "***", "team": "z", "has_token": True},
        "credentials": "***",
        "variables": [{"key": "DB_SECRET", "value": "***"}, {"key": "TYPE", "value": "hana"}],
        "passphrase": None,
    }
    assert document["custom_data"]["db_password"] == "x"


UNITS = [
    *(
        "password",
        "password=",
        "token",
        "a:",
        "://",
        "://a:",
        "-u ",
        " -u a:",
        " --user=",
        "basic ",
    ),
    *("eyJ", "-eyJ", "eyJ.", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "authorization"),
    *(
        "cookie:",
        '"',
        "sig=",
        "sig=-",
        "secret.",
        "\\",
        "ghp_",
        "bearer:",
        "whsec_",
        "xoxb-",
        "AKIA",
    ),
    *("mp_", "mp_-", "api_key ", "password='", "glpat--", "github_pat_", 'authorization\\"', "a-"),
]


@pytest.mark.parametrize("unit", UNITS)
def test_the_cost_of_a_mask_grows_with_the_text(unit: str):
    assert growth(lambda text: redact.text(f"key {text}"), unit) < 64


def test_a_credential_in_a_query_is_masked():
    assert redact.query("build_number=a%20b&os=") == "build_number=a%20b&os="
    assert redact.query("a=1&%74oken=hunter2") == "a=1&token=%2A%2A%2A"
