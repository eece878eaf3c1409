"""Pack the hook and its packages into one file; the same bytes on every build."""

from __future__ import annotations

import sys
from pathlib import Path

from hooks import archives

MAIN = """import os
import sys

if sys.version_info < (3, 10):  # this file alone has to run there: no build may end for it
    sys.stderr.write("milepost: not reporting: the hook needs Python 3.10 or newer\\n")
    if sys.argv[1:2] == ["packer"]:
        os.execvp("packer", sys.argv[1:])
    sys.exit(os.environ.get("MILEPOST_STRICT", "0") not in ("", "0"))

import certifi

from hooks.ca_bundle import system_bundle

if system_bundle():  # else every call unpacks certifi's own into a temporary file
    certifi.where = system_bundle

from hooks.__main__ import main

main()
"""
EXCLUDED = ("RECORD", "INSTALLER", "REQUESTED", "bundle.py")
SHELL_HOOK = "hooks/milepost-hook.sh"
SUFFIXES = (".py", ".pem", ".typed")


def bundle(packages: Path, hooks: Path, target: Path) -> None:
    """Write `target` from a folder of installed packages and from the hook's own files."""
    files = {str(path.relative_to(packages)): path for path in packages.rglob("*")}
    files.update({f"hooks/{path.relative_to(hooks)}": path for path in hooks.rglob("*.py")})
    contents = {name: path.read_bytes() for name, path in files.items() if _belongs(path)}
    contents[SHELL_HOOK] = (hooks.parent / SHELL_HOOK).read_bytes()  # for `vendor`
    contents["__main__.py"] = MAIN.encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    archives.write(target, contents)


def _belongs(path: Path) -> bool:
    if not path.is_file() or path.name in EXCLUDED or "__pycache__" in path.parts:
        return False
    return path.suffix in SUFFIXES or any(part.endswith(".dist-info") for part in path.parts)


if __name__ == "__main__":
    bundle(Path(sys.argv[1]), Path(__file__).parent, Path(sys.argv[2]))
