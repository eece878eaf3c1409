"""Secrets, and files that only their owner can read."""

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def generate_secret(source: str) -> str:
    """Return a new secret in the form of the source."""
    if source in ("milepost", "cloudevents"):
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    token = secrets.token_urlsafe(32)
    # Plain curl can post a manifest with a bearer token.
    return {"packer": f"bearer:{token}", "jenkins": f"milepost:{token}"}.get(source, token)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that becomes `path` at the end, whole, or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        try:
            yield output
            output.flush()
            os.fsync(output.fileno())
        except BaseException:
            part.unlink()
            raise
    part.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a small file."""
    with new_file(path) as output:
        output.write(text.encode())
