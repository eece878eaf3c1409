"""/hook: the hook as one file, for a CI job to fetch before it has anything else; and the sh one.

`make hook` puts both into this folder; they are not part of its sources.
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
    """The file; open to all, as it holds nothing of this receiver."""
    return _send(FILE)


@blueprint.get("/hook.sh")
def shell_hook() -> Response:
    """The hook for images without Python."""
    return _send(SHELL_FILE)


@blueprint.get("/hook.sha256")
def sha256() -> Response:
    """What `sha256sum --check` reads."""
    return Response(f"{_digest(FILE)}  {FILE.name}\n", mimetype="text/plain")


@blueprint.app_template_global("hook_sha256")
def sha256_or_none() -> str | None:
    """The file's SHA-256 for a page; None where it was not built."""
    try:
        return _digest(FILE)
    except NotFound:
        return None


def _send(path: Path) -> Response:
    answer = send_file(
        path,
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=path.name,
        etag=_digest(path),
        conditional=True,
    )
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _digest(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        raise NotFound("The hook was not built here: run `make hook`.") from None
    return _digest_of(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=2)
def _digest_of(path: Path, _modified: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
