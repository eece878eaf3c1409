"""What users can set, call or post is in the README."""

import click
import pytest

from receiver import config
from receiver.cli.main import main
from receiver.sources import SOURCES
from tests.support import ROOT

README = (ROOT / "README.md").read_text() + (ROOT / "hooks" / "README.md").read_text()


def settings() -> set[str]:
    off = {source for source in config.SOURCES if source not in SOURCES}
    names = {name for name in config.KNOWN if not name.endswith("_FILE")}
    return names - {f"MILEPOST_SECRET_{source.upper()}" for source in off}


def commands(group: click.Group, path: str = "milepost") -> list[str]:
    found: list[str] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command, here = group.get_command(context, name), f"{path} {name}"
        found += commands(command, here) if isinstance(command, click.Group) else [here]
    return found


@pytest.mark.parametrize("name", sorted(settings()))
def test_a_setting_is_explained(name: str):
    assert f"`{name}`" in README


@pytest.mark.parametrize("command", commands(main))
def test_a_command_is_explained(command: str):
    assert f"`{command}" in README


@pytest.mark.parametrize("source", [name for name in SOURCES if name in config.SOURCES])
def test_a_source_is_explained(source: str):
    assert f"`POST /webhooks/{source}" in README
