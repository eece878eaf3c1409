"""`/hook` and `/hook.sh`: the hook as one file, for a CI job that has nothing else yet.

`make hook` puts both files into the package; they are not part of its sources.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, send_file

from receiver.errors import NotFound

blueprint = Blueprint("hookfile", __name__)
FILE = Path(__file__).parents[1] / "milepost-hook.pyz"
SHELL_FILE = Path(__file__).parents[1] / "milepost-hook.sh"


@blueprint.get("/hook")
def hook() -> Response:
    """Return the hook; open to all, because it holds nothing of this receiver."""
    return _send(FILE)


@blueprint.get("/hook.sh")
def shell_hook() -> Response:
    """Return the hook for images without Python."""
    return _send(SHELL_FILE)


@blueprint.get("/hook.sha256")
def sha256() -> Response:
    """Return the digest as `sha256sum --check` reads it."""
    return Response(f"{_digest(FILE)}  {FILE.name}\n", mimetype="text/plain")


@blueprint.app_template_global("hook_sha256")
def sha256_or_none() -> str | None:
    """Return the SHA-256 of the hook, or None if it was not built."""
    try:
        return _digest(FILE)
    except NotFound:
        return None


def _send(path: Path) -> Response:
    response = send_file(
        path,
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=path.name,
        etag=_digest(path),
        conditional=True,
    )
    response.headers["Cache-Control"] = "no-cache"
    return response


def _digest(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        raise NotFound("The hook was not built here: run `make hook`.") from None
    return _digest_of(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _digest_of(path: Path, _modified: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
