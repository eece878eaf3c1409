"""The settings of `milepost serve --local`: one person, this machine, nothing to configure.

Secrets are generated once and lie in the data directory, where only their owner can read them.
"""

import json
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from receiver.cli.env import HOOK_FILE, secrets_folder
from receiver.config import Config
from receiver.errors import MilepostError
from receiver.settings.private_files import write_text
from receiver.sources.new_secrets import generate_secret
from receiver.storage import audit, db, tokens
from receiver.storage.audit import Actor, Target
from receiver.storage.embedded import cluster

SOURCES = ("milepost", "packer")


def environment(env: Mapping[str, str], url: str | None = None) -> dict[str, str]:
    """Return `env` with a secret for each of our own sources, with public pages and with the
    address that notices and links name, unless set."""
    folder = secrets_folder(env)
    added = {"MILEPOST_PUBLIC_READ": "1"} | ({"MILEPOST_EXTERNAL_URL": url} if url else {})
    for source in SOURCES:
        name = f"MILEPOST_SECRET_{source.upper()}"
        if name not in env:
            added[f"{name}_FILE"] = str(
                _secret_file(folder / source, partial(generate_secret, source))
            )
    return added | dict(env)


def check_free(bind: str) -> None:
    """Raise MilepostError if another receiver serves there: its secrets are not ours."""
    host, _, port = bind.rpartition(":")
    with suppress(OSError, ValueError):  # nothing answers, or gunicorn will say what is wrong
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
        raise MilepostError(f"Another serves {bind}: try --bind, or make run BIND=127.0.0.1:8081.")


def token(config: Config) -> str:
    """Return the admin token of this machine's user, after adding it to the database if need be."""
    path = _secret_file(config.data_dir / "secrets" / "token", tokens.generate_token)
    text = path.read_text(encoding="utf-8")
    with db.connect(config.database_url or cluster.start(config.data_dir)) as connection:
        if tokens.find_grant(connection, text) is None:
            tokens.insert_token(connection, text, tokens.Grant("local", "admin"))
            after = {"scope": "admin", "project": None, "expires_at": None}
            actor, target = Actor("local", "command"), Target("token", "local")
            audit.note_change(connection, actor, "token.create", target, after=after)
    return text


def save_hook_settings(config: Config, url: str) -> dict[str, str]:
    """Save what a hook on this machine needs for the receiver at `url`, and return it."""
    settings = {
        "MILEPOST_URL": url,
        "MILEPOST_SECRET": config.secrets["milepost"][0],
        "MILEPOST_TOKEN": token(config),
    }
    write_text(config.data_dir / "secrets" / HOOK_FILE, json.dumps(settings))
    return settings


def _secret_file(path: Path, generate: Callable[[], str]) -> Path:
    """Return the path of a secret, which is generated once."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        write_text(path, generate())
    return path
