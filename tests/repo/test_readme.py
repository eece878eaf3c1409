"""The README is short; every setting, command and source is in the reference."""

import pytest

from receiver.settings import names
from receiver.sources import SOURCES
from tests.support import ROOT
from tests.support.commands import every_command

SETTINGS, COMMANDS, WEBHOOKS = (
    (ROOT / "docs" / page).read_text() for page in ("settings.md", "commands.md", "webhooks.md")
)


def test_readme_has_at_most_700_words():
    assert len((ROOT / "README.md").read_text().split()) <= 700


@pytest.mark.parametrize("name", sorted(names.KNOWN))
def test_a_setting_is_explained(name: str):
    base = name.removesuffix("_FILE")  # a secret is given as it is, or in a file
    assert f"| `{name}` |" in SETTINGS or f"| `{base}` |" in SETTINGS


@pytest.mark.parametrize("command", [name for name, _ in every_command()])
def test_a_command_is_explained(command: str):
    assert f"`milepost {command}" in COMMANDS


@pytest.mark.parametrize("source", names.SOURCES)
def test_a_source_is_explained(source: str):
    assert source in SOURCES
    assert f"`POST /webhooks/{source}" in WEBHOOKS
