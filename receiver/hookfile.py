"""/hook: the hook as one file, for a CI job to fetch before it has anything else.

`make hook` builds the file into this folder; it is not part of the sources.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, send_file

from receiver.errors import NotFound

blueprint = Blueprint("hookfile", __name__)
FILE = Path(__file__).with_name("milepost-hook.pyz")


@blueprint.get("/hook")
def hook() -> Response:
    """The file; open to all, as it holds nothing of this receiver."""
    digest = _digest()
    answer = send_file(
        FILE,
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=FILE.name,
        etag=digest,
        conditional=True,
    )
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@blueprint.get("/hook.sha256")
def sha256() -> Response:
    """What `sha256sum --check` reads."""
    return Response(f"{_digest()}  {FILE.name}\n", mimetype="text/plain")


@blueprint.app_template_global("hook_sha256")
def sha256_or_none() -> str | None:
    """The file's SHA-256 for a page; None where it was not built."""
    try:
        return _digest()
    except NotFound:
        return None


def _digest() -> str:
    try:
        found = FILE.stat()
    except OSError:
        raise NotFound("The hook was not built here: run `make hook`.") from None
    return _digest_of(found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _digest_of(_modified: int, _size: int) -> str:
    return hashlib.sha256(FILE.read_bytes()).hexdigest()
