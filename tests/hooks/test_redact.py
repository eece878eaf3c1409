"""The hook masks secrets at a cost that grows with the text alone."""

import pytest

from hooks.redact import Redactor, secret_values
from tests.domain.test_redact import UNITS
from tests.support.growth import growth


@pytest.mark.parametrize("unit", [*UNITS, "a", "=", "A a"])
def test_the_cost_of_a_mask_grows_with_the_line(unit: str):
    assert growth(lambda text: Redactor().line(f"key {text}"), unit) < 64
    assert growth(_line_of_a_key, unit) < 64


def _line_of_a_key(text: str) -> str:
    redactor = Redactor()
    redactor.line("-----BEGIN PRIVATE KEY-----")
    return redactor.line(f"{text}!")


@pytest.mark.parametrize(
    "secret",
    [
        *("AKIA" + "A" * 16, "ASIA" + "A" * 16, "glpat-" + "a" * 16, "xoxb-" + "a" * 10),
        *(f"gh{kind}_" + "a" * 20 for kind in "pousr"),
        *("whsec_" + "a" * 8, "bearer:" + "a" * 6, f"eyJ{'a' * 10}.{'a' * 10}.a"),
    ],
)
def test_secret_of_a_known_form_is_masked_without_a_word_before_it(secret: str):
    assert Redactor().line(f"it is {secret}") == "it is <sensitive>"


@pytest.mark.parametrize("name", ["GIT_AUTHOR_NAME", "AUTHOR", "TOKENIZERS_PATH", "DB_SECRET_NAME"])
def test_name_that_only_looks_like_a_secrets_masks_nothing(name: str):
    assert secret_values({name: "jenkins"}) == []


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "TF_VAR_password", "PKR_VAR_ssh_password", "AUTH"]
)
def test_value_under_a_secrets_name_is_one(name: str):
    assert secret_values({name: "hunter2"}) == ["hunter2"]


def test_short_lines_of_a_secret_are_not_masked():
    key = '{\n  "type": "service_account",\n  "private_key_id": "0123456789"\n}'
    masked = Redactor([key]).text('{"a": 1} "private_key_id": "0123456789"')
    assert masked == '{"a": 1} <sensitive>'


def test_exact_keys_of_a_document_stay_as_they_are():
    document = {"artifact_id": "packer-rhel9", "files": [{"name": "packer.img"}]}
    assert Redactor(["packer"]).document(document, ("artifact_id",)) == {
        "artifact_id": "packer-rhel9",
        "files": [{"name": "<sensitive>.img"}],
    }
