"""The hook masks secrets at a cost that grows with the text alone."""

import pytest

from hooks.redact import Redactor
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
