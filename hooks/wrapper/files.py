"""Templates and files of variables: only what Packer can read again is read."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

MAX_BYTES = 5_000_000


def read(path: Path) -> bytes:
    """Return the bytes of a regular file of at most 5 MB. Raises OSError.

    What comes through a pipe (`-var-file=<(sops -d …)`, `/dev/stdin`) can be read once: it is
    Packer's. A device may have no end. It is looked at before it is opened: the writer of a named
    pipe waits for its reader, and ends when that one leaves.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "Not a regular file")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(errno.EFBIG, "Too large")
    return data
