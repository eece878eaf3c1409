"""Keys of the senders' secrets in the database, derived from files that are kept apart from it.

https://cryptography.io/en/latest/fernet/#cryptography.fernet.MultiFernet: the first key encrypts,
each decrypts. Any file of at least 32 bytes makes one, by HKDF.
"""

import base64
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from receiver.config import Config
from receiver.errors import ConfigError
from receiver.settings import private_files

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

LEAST_BYTES = 32
OWN_KEY = "milepost.key"
PURPOSE = b"milepost: secrets of senders"  # another purpose would have another key


class SenderKeys:
    """The keys of some files; `problems` names the files that give none."""

    def __init__(self, files: Sequence[Path]) -> None:
        found = [_read(path) for path in files]
        self.problems = tuple(each for each in found if isinstance(each, str))
        self._has_first = bool(found) and isinstance(found[0], bytes)
        self._fernets = _fernets([each for each in found if isinstance(each, bytes)])

    def encrypt(self, secret: str) -> str:
        """Return a secret encrypted with the first key. Raises ConfigError without that key."""
        if not self._has_first or self._fernets is None:
            raise ConfigError(self.problems or ["Set MILEPOST_KEY_FILE to the file of a key."])
        return self._fernets.encrypt(secret.encode()).decode()

    def decrypt(self, token: str) -> str | None:
        """Return the secret; None where no key here has encrypted it."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernets.decrypt(token).decode() if self._fernets else None
        except InvalidToken:
            return None


def own_key(config: Config) -> Path | None:
    """Return where the embedded installation keeps a key of its own, beside its data; None where
    MILEPOST_KEY_FILE names another, or the database is an external one."""
    is_own = not config.key_files and config.database_url is None
    return config.data_dir / OWN_KEY if is_own else None


def key_files(config: Config) -> tuple[Path, ...]:
    """Return the files of the keys in use; none where senders cannot be kept in the database."""
    own = own_key(config)
    return (own,) if own else config.key_files


def make_own_key(path: Path) -> None:
    """Make the key of the embedded installation, which only its owner can read, unless another
    command has just made it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    private_files.create(path, f"{secrets.token_urlsafe(48)}\n")


def stamp(files: Sequence[Path]) -> tuple[tuple[int, int] | None, ...]:
    """Return what changes with the files: time and size of each, None for one that is away."""
    return tuple(_stamp(path) for path in files)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _read(path: Path) -> bytes | str:
    """Return the bytes of a key, or the problem of its file. The end of a last line is no part of
    it: an editor or a copy by hand may add one."""
    try:
        if path.exists() and not path.is_file():  # it is read again: a pipe would be empty then
            return f"MILEPOST_KEY_FILE: {path} is no regular file."
        data = path.read_bytes()
    except OSError as error:
        return f"MILEPOST_KEY_FILE: {path} cannot be read: {error.strerror}."
    if len(data) < LEAST_BYTES:
        return (
            f"MILEPOST_KEY_FILE: {path} holds {len(data)} bytes: a key has {LEAST_BYTES} or more."
        )
    return data.rstrip(b"\r\n")


def _fernets(keys: Sequence[bytes]) -> "MultiFernet | None":
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(_derived(key)) for key in keys]) if keys else None


def _derived(key: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key)
    return base64.urlsafe_b64encode(derived)
