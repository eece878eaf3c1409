"""Named senders in the database: read by every receiver, changed by commands and the page /setup.

A secret that its sender shows as it is, such as a bearer token, is kept as its SHA-256. One that
signs is needed as it is, and encrypted. Where a file is the whole truth nothing is changed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from receiver.config import Config
from receiver.config_files import read_regular
from receiver.domain.delivery import Secret, Sender
from receiver.errors import ConfigError, Invalid, MilepostError, Taken
from receiver.ingest.sender_keys import SenderKeys, key_files, make_own_key, own_key
from receiver.ingest.senders import NAME, Senders, parse_defaults
from receiver.ingest.stored_settings import read_document
from receiver.settings.names import SOURCES
from receiver.sources.new_secrets import generate_secret
from receiver.sources.signatures import digest_of
from receiver.storage import audit, senders, settings
from receiver.storage.audit import Actor, Target, Values
from receiver.storage.db import Connection, Row

DIGEST, ENCRYPTED = "sha256:", "fernet:"


def why_in_file(config: Config) -> str | None:
    """Return why new senders go to a file, in a sentence; None where they go to the database.

    The one place of this decision: a file that is named is the whole truth, and without a key
    nothing that signs can be kept in the database.
    """
    if config.senders_file:
        return (
            "MILEPOST_SENDERS names a file, which is the whole truth of senders: change that file, "
            "or unset MILEPOST_SENDERS to keep senders in the database."
        )
    if not key_files(config):
        return (
            "No key encrypts secrets in the database: set MILEPOST_KEY_FILE to a file of at least "
            "32 random bytes, the same one for every receiver."
        )
    return None


def read_senders(config: Config, connection: Connection) -> tuple[Senders, tuple[str, ...]]:
    """Return the senders and defaults in the database, and what is wrong with them."""
    keys = SenderKeys(key_files(config))
    (_, defaults), problems = read_document(senders.KIND, parse_defaults, Senders(), connection)
    found = tuple(_sender(row, keys) for row in senders.list_senders(connection))
    unread = [f"{each.source} {each.name}" for each in found if each.unread]
    if unread:
        text = f"No key here decrypts the secrets of {', '.join(unread)}: they get 503."
        problems = (*problems, *keys.problems, text)
    return Senders(found, defaults.defaults), problems


def file_beside(config: Config) -> Senders:
    """Return what a file says: the one that MILEPOST_SENDERS names, else that of the data
    directory, which counts beside the database. Raises ConfigError."""
    path = config.senders
    if not path.exists():
        return Senders()
    return Senders.parse(
        read_regular(path), path.name, path.parent, config.secrets, read=read_regular
    )


@dataclass(frozen=True, slots=True)
class SenderStore:
    """Changes of senders in the caller's transaction, each noted in the audit trail.

    Every method raises ConfigError where a file is the whole truth; one that keeps a secret also
    where no key is set, or its file is wrong.
    """

    config: Config
    connection: Connection
    actor: Actor

    def create(self, source: str, name: str, projects: Sequence[str] = ()) -> str:
        """Make a sender that may write these projects, every one by default. Return its secret,
        which nobody can read again. Raises Taken, Invalid, and MilepostError with a key that is not
        that of the other senders: the receivers could not decrypt the new secret."""
        self._require()
        if source not in SOURCES:
            raise Invalid(fields={"source": [f"Write one of {', '.join(SOURCES)}."]})
        if not NAME.match(name):
            raise Invalid(fields={"name": ["Write 1 to 100 of A-Z a-z 0-9 . _ -"]})
        if file_beside(self.config).find(source, name):
            raise Taken(f"There is a {source} sender called {name} in the file of this host.")
        require_known_key(self.config, self.connection)
        secret = generate_secret(source)
        kept = [self._kept(source, secret)]
        senders.insert_sender(self.connection, source, name, projects, kept, self.actor.name)
        self._note("add", name, None, {"source": source, "projects": list(projects)})
        return secret

    def rotate(self, source: str, name: str) -> str:
        """Make a further secret, and return it; the one before stays valid until finish().

        Raises NotFound.
        """
        self._require()
        row = senders.lock_sender(self.connection, source, name)
        secret = generate_secret(source)
        kept = [self._kept(source, secret), *row["secrets"][:1]]
        self._set(row, kept)
        return secret

    def finish(self, source: str, name: str) -> None:
        """End every secret of a sender but the newest. Raises NotFound."""
        self._require(key=False)
        row = senders.lock_sender(self.connection, source, name)
        self._set(row, row["secrets"][:1])

    def remove(self, source: str, name: str) -> None:
        """Remove a sender; its deliveries stay. Raises NotFound, and Invalid where the file of this
        host has it too: that one would count again."""
        self._require(key=False)
        if file_beside(self.config).find(source, name):
            raise Invalid(
                f"{name} is in senders.toml of the data directory as well: `milepost sender remove "
                f"{name} --source {source}` on this host removes both."
            )
        row = senders.lock_sender(self.connection, source, name)
        senders.delete_sender(self.connection, source, name)
        self._note("remove", name, {"source": source, "projects": row["projects"]}, None)

    def enable(self, source: str | None, name: str | None) -> list[Row]:
        """Enable the disabled senders of this source and name, None is every one. Return source
        and name of each."""
        self._require(key=False)
        enabled = senders.enable(self.connection, source, name)
        for row in enabled:
            self._note("enable", row["name"], {"disabled": True}, {"disabled": False})
        return enabled

    def take_over(self, sender: Sender) -> bool:
        """Copy a sender of a file. Return False where the database has one of its name."""
        self._require()
        require_known_key(self.config, self.connection)
        kept = [self._encrypted(each) for each in sender.secrets if isinstance(each, str)]
        source, name, projects = sender.source, sender.name, sender.projects
        try:
            senders.insert_sender(self.connection, source, name, projects, kept, self.actor.name)
        except Taken:
            return False
        self._note("add", name, None, {"source": source, "projects": list(projects)})
        return True

    def encrypt_again(self) -> int:
        """Encrypt every secret with the first key. Return how many.

        Raises MilepostError, and changes nothing, where one cannot be decrypted.
        """
        self._require()
        keys, count = SenderKeys(key_files(self.config)), 0
        for listed in senders.list_senders(self.connection):
            source, name = listed["source"], listed["name"]
            kept = senders.lock_sender(self.connection, source, name)["secrets"]
            renewed = [_renewed(each, keys, f"{source} {name}") for each in kept]
            senders.set_secrets(self.connection, source, name, renewed)
            count += sum(each.startswith(ENCRYPTED) for each in kept)
        audit.note_change(
            self.connection, self.actor, "sender.key", Target("receiver"), after={"secrets": count}
        )
        return count

    def _require(self, *, key: bool = True) -> None:
        if (key or self.config.senders_file) and (reason := why_in_file(self.config)):
            raise ConfigError([reason])

    def _kept(self, source: str, secret: str) -> str:
        """Return what is kept of a new, random secret."""
        digest = digest_of(source, secret)
        return f"{DIGEST}{digest.hex()}" if digest else self._encrypted(secret)

    def _encrypted(self, secret: str) -> str:
        ensure_own_key(self.config, self.connection)
        return f"{ENCRYPTED}{SenderKeys(key_files(self.config)).encrypt(secret)}"

    def _set(self, row: Row, kept: list[str]) -> None:
        senders.set_secrets(self.connection, row["source"], row["name"], kept)
        before, after = {"secrets": len(row["secrets"])}, {"secrets": len(kept)}
        self._note("rotate", row["name"], before, after)

    def _note(self, what: str, name: str, before: Values | None, after: Values | None) -> None:
        target = Target("sender", name)
        audit.note_change(self.connection, self.actor, f"sender.{what}", target, before, after)


def ensure_own_key(config: Config, connection: Connection) -> None:
    """Make the embedded installation's key, at its first secret. Raises MilepostError where a key
    was lost: it is not replaced, since the secrets that it has encrypted need it."""
    own = own_key(config)
    if own is None or own.exists():
        return
    if encrypted_secrets(connection) or settings.read_document(connection, "notices"):
        raise MilepostError(
            f"The key {own} is gone: copy it back from its backup. If there is none, set "
            "MILEPOST_KEY_FILE to a new file, then rotate the senders that doctor names, and set "
            "the notices again."
        )
    make_own_key(own)


def require_known_key(config: Config, connection: Connection) -> None:
    """Raise MilepostError with a key that decrypts no secret of the senders: the receivers could
    not decrypt what it encrypts. A lost key is replaced by rotating: then the new key decrypts the
    rotated secret."""
    keys, kept = SenderKeys(key_files(config)), encrypted_secrets(connection)
    if not keys.problems and kept and not any(map(keys.decrypt, kept)):
        raise MilepostError(
            "The key here decrypts no secret of the other senders, so the receivers' key is "
            "another one: name its file in MILEPOST_KEY_FILE. If it is lost, run "
            "`milepost sender rotate` for the senders that doctor names, before anything else is "
            "encrypted."
        )


def encrypted_secrets(connection: Connection) -> list[str]:
    """Return every encrypted secret as it is kept, without its prefix."""
    kept = [each for row in senders.list_senders(connection) for each in row["secrets"]]
    return [each.removeprefix(ENCRYPTED) for each in kept if each.startswith(ENCRYPTED)]


def _sender(row: Row, keys: SenderKeys) -> Sender:
    read = [_read(each, keys) for each in row["secrets"]]
    known = tuple(each for each in read if each is not None)
    unread = len(read) - len(known)
    is_disabled = row["disabled_at"] is not None
    return Sender(row["source"], row["name"], known, tuple(row["projects"]), unread, is_disabled)


def _read(kept: str, keys: SenderKeys) -> Secret | None:
    """Return a secret, or its digest; None where no key decrypts it, or a newer release kept it."""
    if kept.startswith(DIGEST):
        return bytes.fromhex(kept.removeprefix(DIGEST))
    return keys.decrypt(kept.removeprefix(ENCRYPTED))


def _renewed(kept: str, keys: SenderKeys, owner: str) -> str:
    if not kept.startswith(ENCRYPTED):
        return kept
    secret = keys.decrypt(kept.removeprefix(ENCRYPTED))
    if secret is None:
        raise MilepostError(f"No key decrypts a secret of {owner}: nothing was changed.")
    return f"{ENCRYPTED}{keys.encrypt(secret)}"
