"""`milepost-hook compile`: put Python's bytecode into the hook's one file.

Python keeps no bytecode of what it imports from a zip, so that each call compiles all of it again,
which is more than half of the call's time. The sources stay, for another version of Python.
"""

from __future__ import annotations

import marshal
import warnings
import zipfile
from importlib import util
from pathlib import Path

from hooks import archives
from hooks.errors import HookError

UNCHECKED = (1).to_bytes(4, "little")  # it counts without a look at the source: PEP 552


def run(hook: Path) -> None:
    """Write the file again, with bytecode for this Python. Raises HookError."""
    if not zipfile.is_zipfile(hook):
        raise HookError("compile works on the one file that a receiver serves at /hook")
    contents = archives.read(hook)
    sources = {name: source for name, source in contents.items() if name.endswith(".py")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = {f"{name}c": _bytecode(name, source) for name, source in sources.items()}
    archives.write(hook, {**contents, **compiled})


def _bytecode(name: str, source: bytes) -> bytes:
    code = compile(source, name, "exec", dont_inherit=True)
    return util.MAGIC_NUMBER + UNCHECKED + util.source_hash(source) + marshal.dumps(code)
