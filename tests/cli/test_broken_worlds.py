"""Every command in broken worlds: one line that says what to change, never a traceback."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import click
import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from receiver.cli.main import LazyCommand, main
from tests.support.receivers import MILEPOST, free_port

World = Callable[[Path, str], dict[str, str]]
COMMANDS = {
    "artifact": ["artifact", "core-1", "ami-1"],
    "audit export": ["audit", "export"],
    "audit verify": ["audit", "verify"],
    "backup": ["backup", "{folder}/new.dump"],
    "behind": ["behind"],
    "build": ["build", "core-1"],
    "builds": ["builds"],
    "cancel": ["cancel", "core-1"],
    "channel assign": ["channel", "assign", "prod", "core-1"],
    "channel create": ["channel", "create", "prod"],
    "channel diff": ["channel", "diff", "dev", "prod"],
    "channel history": ["channel", "history", "prod"],
    "channel list": ["channel", "list"],
    "channel rollback": ["channel", "rollback", "prod", "aws", "rhel-9", "web"],
    "channel unassign": ["channel", "unassign", "prod", "aws", "rhel-9", "web"],
    "checks": ["checks", "core-1"],
    "confirm": ["confirm"],
    "create": ["create", "core-1"],
    "db url": ["db", "url"],
    "deliveries": ["deliveries"],
    "demo": ["demo"],
    "doctor": ["doctor"],
    "env": ["env"],
    "fail": ["fail", "core-1", "no route", "--stage", "Base"],
    "failures": ["failures"],
    "images": ["images"],
    "lineage": ["lineage", "core-1"],
    "merge": ["merge", "platform", "a", "b", "--yes"],
    "migrate": ["migrate", "--check"],
    "notice test": ["notice", "test", "night"],
    "notices": ["notices"],
    "prune": ["prune", "--older-than", "30d", "--facts", "--yes"],
    "redeliver github": ["redeliver", "github", "--org", "acme", "--token-file", "{folder}/gone"],
    "refold": ["refold"],
    "rename": ["rename", "platform", "a", "b"],
    "reopen": ["reopen", str(uuid4())],
    "replay": ["replay", "--quarantined"],
    "resolve": ["resolve", str(uuid4()), "--notes", "x"],
    "restore": ["restore", "{folder}/file.dump", "--yes"],
    "resume": ["resume", "core-1"],
    "revoke": ["revoke", "core-1", "--reason", "x", "--no-descendants"],
    "routes suggest": ["routes", "suggest"],
    "routes test": ["routes", "test", "{folder}/latin.toml"],
    "sender add": ["sender", "add", "team"],
    "sender list": ["sender", "list"],
    "sender enable": ["sender", "enable", "--all"],
    "sender import": ["sender", "import"],
    "sender rotate-key": ["sender", "rotate-key"],
    "sender remove": ["sender", "remove", "team"],
    "sender rotate": ["sender", "rotate", "team"],
    "settings diff": ["settings", "diff", "stages"],
    "settings history": ["settings", "history", "stages"],
    "settings list": ["settings", "list"],
    "settings rollback": ["settings", "rollback", "stages"],
    "settings set": ["settings", "set", "stages", "{folder}/latin.toml"],
    "settings show": ["settings", "show", "stages"],
    "state": ["state", "core-1", "started", "--stage", "Base"],
    "stats": ["stats"],
    "token create": ["token", "create", "--name", "x", "--scope", "read"],
    "token list": ["token", "list"],
    "token revoke": ["token", "revoke", "x"],
}
# Where each connection takes seconds, one command of each way to the database and to a receiver.
SLOW = {
    "a host that does not resolve",
    "a closed port",
    "a port that is none",
    "an unknown role",
    "an unknown database",
}
FEW = ("backup", "builds", "doctor", "migrate", "prune", "sender add", "token list")
WORLDS: dict[str, World] = {
    "no data": lambda folder, _: {"MILEPOST_DATA_DIR": f"{folder}/none"},
    "a file for a directory": lambda folder, _: {"MILEPOST_DATA_DIR": f"{folder}/file.dump"},
    "a directory that cannot be made": lambda *_: {"MILEPOST_DATA_DIR": "/proc/none/data"},
    "a host that does not resolve": lambda *_: {"DATABASE_URL": "postgresql://m@no.invalid/m"},
    "a closed port": lambda *_: {"DATABASE_URL": f"postgresql://m@127.0.0.1:{free_port()}/m"},
    "a port that is none": lambda *_: {"DATABASE_URL": "postgresql://m@127.0.0.1:99999/m"},
    "an unknown role": lambda _, url: {"DATABASE_URL": make_conninfo(url, user="nobody")},
    "an unknown database": lambda _, url: {"DATABASE_URL": make_conninfo(url, dbname="none")},
    "a database without a schema": lambda _, url: {
        "DATABASE_URL": make_conninfo(url, dbname="bare")
    },
    "no URL": lambda *_: {"DATABASE_URL": "postgresql://[::/m"},
    "a URL's file that is gone": lambda folder, _: {"DATABASE_URL_FILE": f"{folder}/gone"},
    "a URL's file in Latin-1": lambda folder, _: {"DATABASE_URL_FILE": f"{folder}/latin.toml"},
    "broken settings files": lambda folder, url: {
        "DATABASE_URL": url,
        "MILEPOST_ROUTES": f"{folder}/latin.toml",
        "MILEPOST_STAGES": f"{folder}/gone",
        "MILEPOST_SENDERS": f"{folder}/latin.toml",
        "MILEPOST_PROJECTS": f"{folder}",
        "MILEPOST_NOTICES": f"{folder}/gone",
    },
    "a receiver that is away": lambda *_: {
        "MILEPOST_URL": f"http://127.0.0.1:{free_port()}",
        "MILEPOST_TOKEN": "mp_x",
        "DATABASE_URL": "postgresql://m@no.invalid/m",
    },
    "an address that is none": lambda *_: {
        "MILEPOST_URL": "milepost.example.com:80:80/[",
        "MILEPOST_TOKEN": "ü\n",
        "DATABASE_URL": "postgresql://m@no.invalid/m",
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file that is no backup, and one that is not UTF-8."""
    (tmp_path / "file.dump").write_text("no backup")
    (tmp_path / "latin.toml").write_bytes("# Größe\n[[route]\n".encode("latin-1"))
    return tmp_path


@pytest.fixture
def bare(url: str) -> Iterator[None]:
    """A database without tables, on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
        yield
        connection.execute("DROP DATABASE bare WITH (FORCE)")


def leaves(group: click.Group, prefix: str = "") -> Iterator[str]:
    """Yield the words of every command that does something."""
    for name, listed in group.commands.items():
        command = listed.load() if isinstance(listed, LazyCommand) else listed
        if isinstance(command, click.Group):
            yield from leaves(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def test_every_command_is_tried():
    assert set(leaves(main)) - {"serve"} == set(COMMANDS)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("world", WORLDS)
def test_no_command_ends_with_a_traceback(world: str, url: str, folder: Path):
    known = {"MILEPOST_DATA_DIR": f"{folder}/data", "HOME": str(folder), "PATH": os.environ["PATH"]}
    found = {}
    for name in FEW if world in SLOW else COMMANDS:
        words = COMMANDS[name]
        env = known | WORLDS[world](folder, url)
        arguments = [each.format(folder=folder) for each in words]
        result = CliRunner().invoke(main, arguments, env=env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            found[name] = f"{type(result.exception).__name__}: {result.exception}"
        elif "Traceback" in result.output:
            found[name] = result.output
        elif result.exit_code and not result.output.strip():
            found[name] = "nothing is said"
    assert found == {}


@pytest.mark.parametrize(
    ("env", "bind", "line"),
    [
        ({}, "nowhere", "Error: --bind nowhere: write HOST:PORT, such as 127.0.0.1:8080."),
        ({}, "127.0.0.1:99999", "Error: --bind 127.0.0.1:99999: write HOST:PORT"),
        ({}, "no.invalid:80", "Error: --bind no.invalid:80: cannot listen there: "),
        ({}, "192.0.2.1:80", "Error: --bind 192.0.2.1:80: cannot listen there: Cannot assign"),
        ({"MILEPOST_DATA_DIR": "/proc/none/data"}, "", "Error: The embedded PostgreSQL cannot use"),
        ({"MILEPOST_PG_BIN": "/none"}, "", "Error: "),
        ({"DATABASE_URL": "postgresql://[::/m"}, "", "Error: DATABASE_URL must be as"),
        ({"MILEPOST_ROUTES": "{folder}/latin.toml"}, "", "Error: {folder}/latin.toml: line 1"),
    ],
)
def test_serve_ends_with_one_line(folder: Path, env: dict[str, str], bind: str, line: str):
    known = {"MILEPOST_DATA_DIR": f"{folder}/data", "PATH": os.environ["PATH"]}
    known |= {name: value.format(folder=folder) for name, value in env.items()}
    command = [str(MILEPOST), "serve", "--bind", bind or f"127.0.0.1:{free_port()}"]
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 78)
    assert done.stderr.startswith(line.format(folder=folder))
    assert (done.stderr.count("\n"), done.stdout) == (1, "")


STREAMS = ("stdout closed", "stdout full", "stdin closed", "stderr closed", "Latin-1")


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("words", [["builds"], ["doctor"], ["images"], ["migrate", "--check"]])
@pytest.mark.usefixtures("filled")
def test_no_stream_makes_a_traceback(url: str, folder: Path, words: list[str], stream: str):
    redirect = {"stdout closed": ">&-", "stdin closed": "<&-", "stderr closed": "2>&-"}
    shell = f'exec "$0" "$@" {redirect.get(stream, "")}'
    if stream == "stdout full":
        shell = 'exec "$0" "$@" >/dev/full'
    more = {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C"} if stream == "Latin-1" else {}
    env = {
        "DATABASE_URL": url,
        "MILEPOST_DATA_DIR": str(folder),
        "PATH": os.environ["PATH"],
        **more,
    }
    command = ["sh", "-c", shell, str(MILEPOST), *words]
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert b"Traceback" not in done.stdout + done.stderr, done.stderr.decode("latin-1")
