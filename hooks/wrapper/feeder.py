"""Packer's bytes → lines for the reader; a flood of a script's lines is looked through at once.

Python looks at a line in microseconds, and Packer may print hundreds of megabytes: of a large block
only the lines that begin as a message does are read one by one, and the last ones, for the log.
"""

from __future__ import annotations

import re
from datetime import datetime

from hooks.wrapper import builders
from hooks.wrapper.lines import MAX_LENGTH, Splitter
from hooks.wrapper.parser import Reader
from hooks.wrapper.target import LOG_LINES

FLOOD = 2**16  # bytes that come at once

# How the messages of phrases.py begin.
_BEGINNINGS = (
    *("Connected to ", "Using ", "Provisioning ", "Running ", "Restarting Machine", "Uploading "),
    *(
        "Downloading ",
        'Step "',
        "Provisioner failed",
        "Warning: Prov",
        "Automatic SBOM",
        "SBOM gen",
    ),
    *("Failed to ", "milepost: "),
)
_COLOUR = rb"(?:\x1b\[[0-9;]*m)?"
_TIME = rb"(?:\d{4}-\d\d-\d\dT[0-9:.Z+-]{9,20}: )?"


class Feeder:
    """Feeds a reader, block by block."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._splitter = Splitter()
        self._waiting = b""  # a large block whose last lines are read if no other follows
        self._names: tuple[str, ...] = ()
        self._message = re.compile(b"")

    def feed(self, data: bytes, at: datetime) -> None:
        """Read what has come."""
        block = self._splitter.feed(data)
        if not block:
            return
        if self._waiting:
            self._skim(self._waiting, at)
            self._waiting = b""
        if len(block) >= FLOOD:
            self._waiting = block
            return
        self._read(block, at)

    def rest(self, at: datetime) -> None:
        """Read what waits, as nothing else has come."""
        block, self._waiting = self._waiting, b""
        if block:
            head, *lines = block.rsplit(b"\n", LOG_LINES)
            self._skim(head, at)
            self._read(b"\n".join(lines), at)

    def end(self, at: datetime) -> None:
        """Read what is left, a last line without its end too."""
        self.rest(at)
        if last := self._splitter.end():
            self._read(last, at)

    def _read(self, block: bytes, at: datetime) -> None:
        for line in block.split(b"\n"):
            self._reader.feed(line[: 20 * MAX_LENGTH].decode("utf-8", "replace"), at)

    def _skim(self, block: bytes, at: datetime) -> None:
        """Read the lines that may be messages; each one between them is a script's."""
        position = 0
        block = b"\n" + block
        while match := self._pattern().search(block, position):
            start = match.start() + 1
            if start - 1 > position:
                self._reader.skip(at)
            end = block.find(b"\n", start)
            position = len(block) if end < 0 else end
            line = block[start : min(position, start + 20 * MAX_LENGTH)]
            self._reader.feed(line.decode("utf-8", "replace"), at)
        if position < len(block):
            self._reader.skip(at)

    def _pattern(self) -> re.Pattern[bytes]:
        """Return what finds the beginning of a message, of the targets that are known by now."""
        names = tuple(self._reader.names)
        if names != self._names or not self._message.pattern:
            self._names, self._message = names, _message(names, self._reader)
        return self._message


def _message(names: tuple[str, ...], reader: Reader) -> re.Pattern[bytes]:
    words = {
        beginning for name in names for beginning in builders.beginnings(reader.target(name).kind)
    }
    known = b"|".join(re.escape(name.encode()) for name in names) or b"(?!)"
    said = b"|".join(re.escape(each.encode()) for each in sorted({*words, *_BEGINNINGS}))
    ours = rb"(?:==>|   ) (?:%b): ?(?:%b)" % (known, said)
    others = rb"==> (?!(?:%b): )|Build '|--> |Cancelling build|Error|    (?:%b) \(" % (known, known)
    return re.compile(
        rb"\n(?:\d{10},[^,\n]{0,200},(?!ui,)|(?:\d{10},,ui,[a-z]+,)?%b%b%b(?:%b|%b))"
        % (_COLOUR, _TIME, _COLOUR, ours, others)
    )
