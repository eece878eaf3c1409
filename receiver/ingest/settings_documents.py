"""Documents of settings: checked by the readers of the files, encrypted where they hold secrets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tomlkit

from receiver.config import Config
from receiver.domain.stage_map import StageMap
from receiver.errors import ConfigError
from receiver.ingest.notice_settings import NoticeSettings
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.routing import Routes
from receiver.ingest.sender_keys import SenderKeys, key_files
from receiver.ingest.sender_store import ENCRYPTED, ensure_own_key, require_known_key
from receiver.ingest.senders import parse_defaults
from receiver.ingest.stored_settings import read_document
from receiver.storage import audit, settings
from receiver.storage.audit import Actor, Target
from receiver.storage.db import Connection

ENCRYPTED_KIND = "notices"  # the kind that is encrypted
MASK = "***"
# What a comment may hold of a notice's secrets.
_ADDRESS, _SECRET = re.compile(r"://[^\s\"',\]]+"), re.compile(r"whsec_[\w+/=-]+")


def read_no_file(path: Path) -> str:
    """Raise ConfigError: a document has no folder in which another file could be."""
    raise ConfigError([f"{path.name} is a file, and a document in the database reads none."])


parse_notices = partial(NoticeSettings.parse, read=read_no_file)
PARSERS: Mapping[str, Callable[[str, str], object]] = {
    "stages": StageMap.parse,
    "routes": Routes.parse,
    "projects": ProjectSettings.parse,
    "notices": parse_notices,
    "senders": parse_defaults,
}


@dataclass(frozen=True, slots=True)
class Documents:
    """How documents are read and written, by the settings of this host."""

    config: Config

    def file(self, kind: str) -> Path | None:
        """Return the file that replaces the documents of a kind, if the settings name one."""
        path: Path | None = getattr(self.config, "senders_file" if kind == "senders" else kind)
        return path

    def check(self, kind: str, text: str, name: str) -> None:
        """Raise ConfigError with every mistake and its line."""
        PARSERS[kind](text, name)

    def write(self, connection: Connection, kind: str, text: str, who: str) -> int:
        """Make a checked text the newest document of its kind, and return its version.

        Raises ConfigError where it holds secrets and no key is set, MilepostError where that is
        lost, or is not that of the receivers.
        """
        if kind == ENCRYPTED_KIND:
            if not key_files(self.config):
                raise ConfigError(
                    [
                        "Notices hold secrets, and no key encrypts them in the database: set "
                        "MILEPOST_KEY_FILE, the same file for every receiver, or name a file in "
                        "MILEPOST_NOTICES."
                    ]
                )
            ensure_own_key(self.config, connection)
            require_known_key(self.config, connection)
            text = f"{ENCRYPTED}{SenderKeys(key_files(self.config)).encrypt(text)}"
        return settings.write_document(connection, kind, text, who)

    def opened(self, kind: str, document: str) -> str:
        """Return the text of a document. Raises ConfigError where no key here decrypts it."""
        return opened(self.config, document) if kind == ENCRYPTED_KIND else document

    def shown(self, kind: str, document: str, *, reveal: bool) -> str:
        """Return the text of a document, without secrets and addresses unless they are wanted."""
        text = self.opened(kind, document)
        return text if reveal or kind != ENCRYPTED_KIND else _masked(text)


def silence(connection: Connection, who: str) -> bool:
    """Make an empty document of notices the newest, so that a restored copy tells nobody. Return
    whether there was another. `milepost settings rollback notices` takes it back."""
    row = settings.read_document(connection, ENCRYPTED_KIND)
    if row is None or not row["document"]:
        return False
    version = settings.write_document(connection, ENCRYPTED_KIND, "", who)
    target, before = Target("settings", ENCRYPTED_KIND), {"version": row["version"]}
    actor = Actor(who, "command")
    audit.note_change(connection, actor, "settings.set", target, before, {"version": version})
    return True


def opened(config: Config, document: str) -> str:
    """Return the text of an encrypted document; an empty one is not encrypted. Raises ConfigError
    where no key decrypts it."""
    if not document:
        return ""
    keys = SenderKeys(key_files(config))
    text = keys.decrypt(document.removeprefix(ENCRYPTED))
    if text is None:
        problem = "No key here decrypts the notices in the database: see MILEPOST_KEY_FILE."
        raise ConfigError([*keys.problems, problem])
    return text


def read_notices(
    config: Config, connection: Connection
) -> tuple[tuple[int, NoticeSettings], tuple[str, ...]]:
    """Return version and contents of the newest notices, and what is wrong with them. Raises
    ConfigError where nothing is right."""

    def parse(document: str, name: str) -> NoticeSettings:
        return parse_notices(opened(config, document), name)

    return read_document(ENCRYPTED_KIND, parse, NoticeSettings(), connection)


def encrypt_again(config: Config, connection: Connection, who: str) -> bool:
    """Encrypt the newest notices with the first key, as a new version, and return whether there
    are any. Raises ConfigError where no key decrypts them."""
    row = settings.read_document(connection, ENCRYPTED_KIND)
    if row is None:
        return False
    documents = Documents(config)
    documents.write(
        connection, ENCRYPTED_KIND, documents.opened(ENCRYPTED_KIND, row["document"]), who
    )
    return True


def _masked(text: str) -> str:
    """Return a document of notices without secrets, and of addresses the scheme alone."""
    document = tomlkit.parse(text)
    for table in document.get("notice", []):
        if "secret" in table:
            table["secret"] = MASK
        if "to" in table:
            table["to"] = [f"{str(each).partition('://')[0]}://{MASK}" for each in table["to"]]
    shown = _ADDRESS.sub(f"://{MASK}", tomlkit.dumps(document))
    return _SECRET.sub(MASK, shown)
