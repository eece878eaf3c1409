"""The data directory: where it is, and what a receiver leaves there for commands of its host."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from receiver.settings.private_files import write_text

RECEIVER = "receiver.json"


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


@dataclass(frozen=True, slots=True)
class ReceiverNote:
    """What a running receiver notes about itself: its address on this host, its release, the
    sources that are on without a named sender, the path of each settings file, and whether its
    database is an external one."""

    url: str
    version: str
    sources: tuple[str, ...]
    files: Mapping[str, str]
    external: bool

    def write(self, folder: Path) -> None:
        """Write the note. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / RECEIVER, json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "ReceiverNote | None":
        """Return the note of the last receiver, which may have been killed; None without one."""
        try:
            document = json.loads((folder / RECEIVER).read_bytes())
            return cls(**document | {"sources": tuple(document["sources"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None


def remove_note(folder: Path) -> None:
    """Remove the note of a receiver that ends."""
    (folder / RECEIVER).unlink(missing_ok=True)
