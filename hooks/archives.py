"""The hook's one file: a zip behind a `#!` line, as Python's zipapp makes them.

https://docs.python.org/3/library/zipapp.html
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

SHEBANG = b"#!/usr/bin/env python3\n"


def read(path: Path) -> dict[str, bytes]:
    """Return what is in the file, by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, contents: Mapping[str, bytes]) -> None:
    """Write the file, at once: the same bytes for the same contents.

    Bytecode comes last: a process that runs from the file finds its sources where they were.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(SHEBANG)
            with zipfile.ZipFile(file, "w") as archive:  # stored: no version of zlib matters
                for name in sorted(contents, key=lambda name: (name.endswith(".pyc"), name)):
                    archive.writestr(zipfile.ZipInfo(name), contents[name])
        draft.chmod(0o755)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
