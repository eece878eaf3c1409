"""Standard streams that break no build: closed, full, broken, or of a terminal without UTF-8."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def open_closed() -> None:
    """Open the null device where stdin, stdout or stderr is closed.

    Python then has None for the stream, `print` falls back to another one, and the next file that
    is opened takes the number, so that a child writes its output into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _silence(number)
    # They stay open as long as the process, so no block closes them.
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def replace_unprintable() -> None:
    """Print a replacement for what the terminal's encoding lacks, such as Latin-1."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Write out what is buffered; a full disk or a reader that left is no error of a hook.

    Python flushes again as it ends, and would exit with 120.
    """
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            _silence(number)


def complain(line: str) -> None:
    """Print a line to stderr, if anybody can read it."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def _silence(number: int) -> None:
    """Let a number stand for the null device."""
    device = os.open(os.devnull, os.O_RDWR)
    if device != number:
        os.dup2(device, number)
        os.close(device)
