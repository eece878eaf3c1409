"""Packer's bytes → lines for the reader; a flood of a script's lines is looked through at once.

Python looks at a line in microseconds, and Packer may print hundreds of megabytes: of a large block
only the lines that begin as a message does are read one by one, and the last ones, for the log.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from hooks.wrapper import builders
from hooks.wrapper.lines import MAX_LENGTH
from hooks.wrapper.parser import Reader
from hooks.wrapper.target import LOG_LINES

FLOOD = 2**15  # bytes that come at once
MAX_LINE = 20 * MAX_LENGTH  # bytes of a line that are kept

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
    *("Failed to ", "Error", "error", "Name: ", "milepost: "),
)
# What comes before a message, of a fixed form: what is optional costs time at each line.
_BEFORE = re.compile(rb"\d{10},,ui,[a-z]+,|\x1b\[\d;\d\dm|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{1,6}: ")
_FORMS = (
    (re.compile(rb"\d{10},,ui,"), rb"\d{10},,ui,(?:say|message|error),"),
    (re.compile(rb"\x1b\["), rb"\x1b\[\d;\d\dm"),
    (re.compile(rb"\d{4}-"), rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d): "),
)


class Feeder:
    """Feeds a reader, block by block; it holds one block and one line at most."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._line: list[bytes] = []  # the beginning of a line whose end has not come
        self._length = 0
        self._waiting = b""  # a large block whose last lines are read if no other follows
        self._before = b""
        self._key: tuple[object, ...] = ()
        self._message = re.compile(b"")

    def feed(self, data: bytes, at: datetime) -> None:
        """Read what has come."""
        first = data.find(b"\n")
        if first < 0:
            self._keep(data)
            return
        last = data.rfind(b"\n")
        if self._waiting:
            self._skim(self._waiting, len(self._waiting), at)
            self._waiting = b""
        self._keep(data[: min(first, MAX_LINE)])
        self._end_line(at)
        if last - first >= FLOOD:
            self._waiting = data[first : last + 1]
        elif last > first:
            self._read(data[first + 1 : last].split(b"\n"), at)
        self._keep(data[last + 1 :])

    def rest(self, at: datetime) -> None:
        """Read what waits, as nothing else has come."""
        block, self._waiting = self._waiting, b""
        if not block:
            return
        start = len(block) - 1
        for _ in range(LOG_LINES):
            start = block.rfind(b"\n", 0, start)
            if start <= 0:
                break
        start = max(start, 0)
        self._skim(block, start + 1, at)
        self._read(block[start + 1 : -1].split(b"\n"), at)

    def end(self, at: datetime) -> None:
        """Read what is left, a last line without its end too."""
        self.rest(at)
        if self._line:
            self._end_line(at)

    def _keep(self, data: bytes) -> None:
        if data and self._length < MAX_LINE:
            self._line.append(data[: MAX_LINE - self._length])
            self._length += len(self._line[-1])

    def _end_line(self, at: datetime) -> None:
        line, self._line, self._length = b"".join(self._line), [], 0
        if self._waiting:
            self.rest(at)
        self._read([line], at)

    def _read(self, lines: Iterable[bytes], at: datetime) -> None:
        for line in lines:
            if match := _BEFORE.match(line):
                self._before = match[0]
            self._reader.feed(line[:MAX_LINE].decode("utf-8", "replace"), at)

    def _skim(self, block: bytes, end: int, at: datetime) -> None:
        """Read the lines that may be messages; each one between them is a script's."""
        position = 0 if self._key else self._read_first(block, end, at)
        while match := self._pattern().search(block, position, end):
            start = match.start() + 1
            self._read_gap(block, position, start - 1, at)
            position = block.find(b"\n", start, end)
            if position < 0:
                position = end
            self._read([block[start : min(position, start + MAX_LINE)]], at)
        self._read_gap(block, position, end, at)

    def _read_gap(self, block: bytes, start: int, end: int, at: datetime) -> None:
        """Read the first line of those that are no messages: it says whose words they are."""
        if start + 1 < end:
            stop = block.find(b"\n", start + 1, end)
            line = block[start + 1 : min(stop if stop > 0 else end, start + MAX_LINE)]
            self._read([line], at)

    def _read_first(self, block: bytes, end: int, at: datetime) -> int:
        """Read the first lines, which name the targets and have the form; return where they end."""
        *lines, rest = block[1:end].split(b"\n", LOG_LINES)
        self._read(lines, at)
        return end - len(rest) - 1

    def _pattern(self) -> re.Pattern[bytes]:
        """Return what finds the beginning of a message, of the targets that are known by now."""
        form = next((form for mark, form in _FORMS if mark.match(self._before)), b"")
        key = (form, *self._reader.names)
        if key != self._key:
            self._key, self._message = key, _message(form, self._reader)
        return self._message


def _message(form: bytes, reader: Reader) -> re.Pattern[bytes]:
    kinds = {reader.target(name).kind for name in reader.names if name in reader.targets}
    words = {beginning for kind in kinds for beginning in builders.beginnings(kind)}
    known = b"|".join(re.escape(name.encode()) for name in reader.names) or b"(?!)"
    beginnings = {each.encode() for each in (*words, *_BEGINNINGS)}
    said = _any(beginnings)
    inner = rb" \([\w.-]+\): milepost: "  # a post-processor's own output is no message but this
    line = (
        rb"==> (?:(?!(?:%b)(?:: | \())|(?:%b)(?:: ?%b|%b))|    (?:%b)(?:: ?%b|%b)"
        rb"|Build '|--> |Cancelling build|Error"
    ) % (known, known, said, inner, known, said, inner)
    # Almost every line of a flood is left at once: a target's name, then what begins no message.
    heads = re.escape(b"".join({each[:1] for each in beginnings}))
    skip = rb"(?!%b(?:==> |    )(?:%b): [^%b])" % (form, known, heads)
    if form.startswith(rb"\d{10}"):
        return re.compile(rb"\n%b\d{10},(?:,ui,[a-z]+,(?:%b|\\n)|[^,\n]|,(?!ui,))" % (skip, line))
    lines = rb"%b(?:%b)|%b" % (form, line, line) if form else line
    return re.compile(rb"\n%b(?:%b)" % (skip, lines))


def _any(words: Iterable[bytes]) -> bytes:
    """Return an expression for any of these beginnings, by their first letters: it is faster."""
    groups: dict[bytes, list[bytes]] = defaultdict(list)
    for word in sorted(words):
        groups[word[:1]].append(word[1:])
    parts = [
        re.escape(first) + b"(?:" + b"|".join(map(re.escape, rest)) + b")"
        for first, rest in groups.items()
    ]
    return b"(?:" + b"|".join(parts) + b")"
