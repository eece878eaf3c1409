"""The data directory: where it is, and what a receiver leaves there for commands of its host."""

import os
from collections.abc import Mapping
from pathlib import Path


def data_dir(env: Mapping[str, str]) -> Path:
    """Return the data directory of these settings."""
    return Path(env.get("MILEPOST_DATA_DIR") or default_data_dir(env)).expanduser()


def default_data_dir(env: Mapping[str, str]) -> Path:
    """Return a folder that the embedded PostgreSQL can read: it never runs as root."""
    if os.geteuid() == 0:
        return Path("/var/lib/milepost")
    home = Path(env.get("HOME", "~")).expanduser()
    return Path(env.get("XDG_DATA_HOME") or home / ".local/share") / "milepost"


def kept_reading(folder: Path, kind: str) -> Path:
    """Return where the last good reading of a settings file lies in the data directory."""
    return folder / "last-good" / f"{kind}.json"
