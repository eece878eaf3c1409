"""Files that only their owner can read, written whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that becomes `path` at the end, whole, or not at all.

    A link at `path` is replaced, and none is followed: whoever may write to the folder could have
    planted one, also under the name of the part that is being written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        try:
            yield output
            output.flush()
            os.fsync(output.fileno())
        except BaseException:
            part.unlink()
            raise
    part.replace(path)


def create(path: Path, text: str) -> None:
    """Write a small file unless there is one: of several that do so at once, the first wins. Root
    gives it to the owner of the folder, who may run the receiver.

    https://man7.org/linux/man-pages/man2/link.2.html: it never replaces what is there.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_text(part, text)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(part, owner.st_uid, owner.st_gid)
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
    _flush(path.parent)


def _flush(folder: Path) -> None:
    """Write a folder's names to the disk: a power cut would lose that of a new file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a small file."""
    with new_file(path) as output:
        output.write(text.encode())
