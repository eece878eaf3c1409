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

FLOOD = 2**15  # bytes that come between two ticks
CAPACITY = 2**20
PIECE = 2**18
FIRST_LINES = 5_000  # that are read one by one until a target is known
LAST = 2**17  # bytes of the last lines, which the log may need
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
    *("-----BEGIN ", "-----END "),  # of a private key, whose lines no log may hold
)
# What comes before a message, of a fixed form: what is optional costs time at each line.
_COLOUR = rb"\x1b\[\d;\d\dm"
_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d): "
_LOGGED = rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ui(?: error)?: "
_BEFORE = re.compile(rb"\d{10},,ui,[a-z]+,|%b(?:%b)?|%b|%b" % (_COLOUR, _TIME, _TIME, _LOGGED))
_FORMS = (
    (re.compile(rb"\d{10},,ui,"), rb"\d{10},,ui,(?:say|message|error),"),
    (re.compile(_COLOUR + _TIME), _COLOUR + _TIME),
    (re.compile(_COLOUR), _COLOUR),
    (re.compile(_TIME), _TIME),
    # PACKER_LOG, beside which the lines come as without it.
    (re.compile(_LOGGED), b"(?:%b)?(?:%b)?(?:%b)?" % (_LOGGED, _COLOUR, _TIME)),
)


class Feeder:
    """Feeds a reader with what comes between two ticks; it holds one buffer of bytes.

    The buffer is made once: a block of its own for each piece costs more than what it is read for.
    It begins with a line break, so that each line is behind one.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._block = bytearray(CAPACITY)
        self._block[:1] = b"\n"
        self._size = 1
        self._come = 0  # bytes that have come since the last reading
        self._first = FIRST_LINES
        self._before = b""
        self._key: tuple[object, ...] = ()
        self._message = re.compile(b"")

    def feed(self, data: bytes, at: datetime) -> None:
        """Take what has come; it is read by the next tick, or as soon as the buffer is full."""
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            if self._size + len(piece) > CAPACITY:
                self.tick(at)
            self._block[self._size : self._size + len(piece)] = piece
            self._size += len(piece)
            self._come += len(piece)

    def tick(self, at: datetime) -> None:
        """Read the lines that have come; of a flood all but the last, which may be its end."""
        come, self._come = self._come, 0
        stop = self._stop()
        last = _last_lines(self._block, 0, stop) if come >= FLOOD else 0
        if last == 0:
            self._read_lines(at)
            return
        self._skim(last + 1, at)
        self._keep(last)

    def end(self, at: datetime) -> None:
        """Read all, a last line without its end too."""
        self.tick(at)
        self._read_lines(at)
        if self._size > 1:
            self._read([self._block[1 : self._size]], at)
            self._size = 1

    def _read_lines(self, at: datetime) -> None:
        stop = self._stop()
        if stop > 1:
            self._read(self._block[1 : stop - 1].split(b"\n"), at)
        self._keep(stop - 1)

    def _stop(self) -> int:
        """Return where the line begins whose end has not come; of a long one only this is kept."""
        stop = self._block.rfind(b"\n", 0, self._size) + 1
        self._size = min(self._size, stop + MAX_LINE)
        return stop

    def _keep(self, start: int) -> None:
        """Keep what is behind here."""
        rest = self._block[start : self._size]
        self._block[: len(rest)] = rest
        self._size = len(rest)

    def _read(self, lines: Iterable[bytes | bytearray], at: datetime) -> None:
        for line in lines:
            if match := _BEFORE.match(line):
                self._before = match[0]
            self._reader.feed(line[:MAX_LINE].decode("utf-8", "replace"), at)

    def _skim(self, end: int, at: datetime) -> None:
        """Read the lines that may be messages; each one between them is a script's."""
        position = self._read_first(end, at)
        while match := self._pattern().search(self._block, position, end):
            start = match.start() + 1
            self._read_gap(position, start, at)
            position = self._read_line(start, end, at)
        self._read_line(position + 1, end, at)

    def _read_gap(self, start: int, end: int, at: datetime) -> None:
        """Read what a message is the end of: the first line before it, and the last ones."""
        last = _last_lines(self._block, start, end)
        if start < last:
            self._read_line(start + 1, end, at)
        if last + 1 < end:
            self._read(self._block[last + 1 : end - 1].split(b"\n"), at)

    def _read_line(self, start: int, end: int, at: datetime) -> int:
        """Read the line that begins here, if one does; return where its break is."""
        stop = self._block.find(b"\n", start, end)
        if stop >= 0:
            self._read([self._block[start : min(stop, start + MAX_LINE)]], at)
        return stop

    def _read_first(self, end: int, at: datetime) -> int:
        """Read until a line names a target, which has the form of all; return where that ends."""
        position = 0
        while not self._reader.targets and self._first and position + 1 < end:
            position = self._read_line(position + 1, end, at)
            self._first -= 1
        return position

    def _pattern(self) -> re.Pattern[bytes]:
        """Return what finds the beginning of a message, of the targets that are known by now."""
        form = next((form for mark, form in _FORMS if mark.match(self._before)), b"")
        key = (form, *self._reader.names, *self._reader.targets)
        if key != self._key:
            self._key, self._message = key, _message(form, self._reader)
        return self._message


def _last_lines(block: bytearray, start: int, end: int) -> int:
    """Return where the last lines begin, with the break before them, of those that end at `end`."""
    first, position = max(start, end - LAST), end - 1
    for _ in range(LOG_LINES):
        before = block.rfind(b"\n", first, position)
        if before < 0:
            break
        position = before
    return position


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
