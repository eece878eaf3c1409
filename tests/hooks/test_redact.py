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
