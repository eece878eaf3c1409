"""A command imports what it needs: help, and what talks to a receiver, start without the rest."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from receiver.cli.main import LazyCommand, main

CODE = """
import sys
from receiver.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""
HEAVY = {"flask", "gunicorn", "marshmallow", "psycopg", "receiver.config", "receiver.storage.db"}
TALKING = [
    ["builds"],
    ["build", "bad", "--json"],
    ["failures"],
    ["deliveries"],
    ["audit"],
    ["cancel", "good"],
]


def modules(*arguments: str, **env: str) -> set[str]:
    command = [sys.executable, "-c", CODE, *arguments]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return set(done.stderr.split())


def test_help_imports_no_command():
    imported = modules("--help")
    assert not imported & {*HEAVY, "requests", "rich", "orjson", "msgspec"}
    assert {name for name in imported if name.startswith("receiver.")} == {
        "receiver.cli",
        "receiver.cli.main",
    }


@pytest.mark.parametrize("arguments", TALKING, ids=" ".join)
def test_a_command_that_talks_to_a_receiver_needs_no_server_and_no_driver(
    arguments: list[str], address: str, token: Callable[..., str]
):
    imported = modules(*arguments, MILEPOST_URL=address, MILEPOST_TOKEN=token("admin"))
    assert "requests" in imported
    assert not imported & {*HEAVY, "rich.progress"}


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_list_of_commands_shows_the_help_of_each(name: str):
    listed = main.commands[name]
    assert isinstance(listed, LazyCommand)
    command = listed.load()
    assert command.name == name
    assert command.get_short_help_str(200) == listed.get_short_help_str(200)
