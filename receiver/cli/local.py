"""The settings of `milepost serve --local`: one person, this machine, nothing to configure.

Secrets are made once and kept in the data directory, readable by their owner alone.
"""

import base64
import json
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from receiver import config
from receiver.config import Config
from receiver.errors import MilepostError
from receiver.storage import audit, db, tokens
from receiver.storage.audit import Actor, Target
from receiver.storage.embedded import cluster

SOURCES = ("milepost", "packer")


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with a secret for each of our own sources and open pages, where it says nothing."""
    folder = _secrets_folder(env)
    added = {"MILEPOST_PUBLIC_READ": "1"}
    for source in SOURCES:
        name = f"MILEPOST_SECRET_{source.upper()}"
        if name not in env:
            added[f"{name}_FILE"] = str(_kept(folder / source, source))
    return added | dict(env)


def check_free(bind: str) -> None:
    """MilepostError where another serves there: lines to paste would be of the wrong receiver."""
    host, _, port = bind.rpartition(":")
    with suppress(OSError, ValueError):  # nobody answers, or gunicorn will say what is wrong
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
        raise MilepostError(f"Another serves {bind}: try --bind, or make run BIND=127.0.0.1:8081.")


def token(config: Config) -> str:
    """A token of scope admin for this machine's one user, known to the database."""
    text = _kept(config.data_dir / "secrets" / "token", "token").read_text(encoding="utf-8")
    with db.connect(config.database_url or cluster.start(config.data_dir)) as connection:
        if tokens.find(connection, text) is None:
            tokens.keep(connection, text, tokens.Grant("local", "admin"))
            made = Target("token", "local")
            after = {"scope": "admin", "project": None, "expires_at": None}
            audit.note_change(
                connection, Actor("local", "command"), "token.create", made, after=after
            )
    return text


def hook_settings(env: Mapping[str, str]) -> dict[str, str]:
    """Return the hook settings that the last local receiver saved.

    Raises MilepostError if no local receiver has run with this data directory.
    """
    path = _secrets_folder(env) / "hook.json"
    try:
        settings: dict[str, str] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise MilepostError(
            f"No receiver has run in {path.parents[1]}: start one with `make run`."
        ) from None
    except OSError as error:
        raise MilepostError(f"Cannot read {path}: {error.strerror}.") from error
    return settings


def save_hook_settings(config: Config, url: str) -> dict[str, str]:
    """Save what a hook on this machine needs for the receiver at `url`, and return it."""
    settings = {
        "MILEPOST_URL": url,
        "MILEPOST_SECRET": config.secrets["milepost"][0],
        "MILEPOST_TOKEN": token(config),
    }
    _write_private(config.data_dir / "secrets" / "hook.json", json.dumps(settings))
    return settings


def _secrets_folder(env: Mapping[str, str]) -> Path:
    folder = Path(env.get("MILEPOST_DATA_DIR") or config.default_data_dir(env))
    return folder.expanduser() / "secrets"


def _kept(path: Path, source: str) -> Path:
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        _write_private(path, _secret(source))
    return path


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _secret(source: str) -> str:
    if source == "token":
        return tokens.generate()
    if source == "packer":  # so that plain curl can post a manifest
        return f"bearer:{secrets.token_urlsafe(24)}"
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
