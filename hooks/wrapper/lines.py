"""Packer's output, as it comes in bytes → its messages; pure. Plain, coloured, timed, for machines.

Packer prints one message a line; with `-machine-readable` one record a line, whose line breaks are
the two characters `\\n`. A script's own `\\n` looks the same there: only the first line of a record
says whose message it is.
https://developer.hashicorp.com/packer/docs/commands#machine-readable-output
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LENGTH = 4_000  # of a line: more than any message, less than a minified file on a terminal
MAX_LINES = 2_000  # of one record

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d):? ")
_LOGGED = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_LOGGED_UI = re.compile(r"ui(?: error)?: (?:ask: )?")
_MACHINE = re.compile(r"\d{10},([^,]*),([a-z-]+),?(.*)", re.DOTALL)
# What is printed behind a prompt begins on the prompt's line: the line break was the person's.
# SDK multistep/commonsteps/multistep_runner.go (askPrompt), packer/provisioner.go (-debug).
_PROMPT = re.compile(
    r"(?:==> [^\n]*?: )?(?:\[c\] Clean up and exit, \[a\] abort without cleanup, or "
    r"\[r\] retry step[^?]*\?|Pausing [^\n]*?Press enter to continue\.?) (?=\S)"
)


class Message(NamedTuple):
    """What Packer printed at once: one line, or the lines of one record."""

    lines: tuple[str, ...]

    @property
    def head(self) -> str:
        """Return the first line that is not empty."""
        return next((line for line in self.lines if line.strip()), "")


class Record(NamedTuple):
    """A record for machines that no text says, as `artifact,0,id,…` of a target."""

    target: str
    kind: str
    fields: tuple[str, ...]


class Form:
    """The form of this output: the first one found counts.

    With PACKER_LOG=1 every line comes twice, plain and in the log.
    """

    def __init__(self) -> None:
        self.name = ""

    def read(self, line: str) -> Message | Record | None:
        """Return what this line says; nothing for one that repeats another."""
        text = line[:MAX_LENGTH].rstrip("\r\n").lstrip("\ufeff")
        record = line[: 20 * MAX_LENGTH].rstrip("\r\n") if text[:1] == "1" else ""
        if machine := _MACHINE.match(record):
            return self._machine(*machine.groups())
        text = self._plain(text)
        if text[:1] == "2" and (logged := _LOGGED.match(text)):
            return self._logged(text[logged.end() :])
        if self.name == "machine":
            return None
        if text.startswith("==> ") and not self.name:
            self.name = "plain"
        return Message((text,))

    @staticmethod
    def _plain(text: str) -> str:
        """Return the text without colours, its time, and a prompt before it."""
        text = _COLOUR.sub("", text) if "\x1b" in text else text
        if text[:1] == "2" and (time := _TIME.match(text)):
            text = text[time.end() :]
        prompt = _PROMPT.match(text) if "? " in text or "continue" in text else None
        return text[prompt.end() :] if prompt else text

    def _logged(self, text: str) -> Message | Record | None:
        if machine := _MACHINE.match(text):
            return self._machine(*machine.groups())
        ui = _LOGGED_UI.match(text)
        if not ui or self.name in ("plain", "machine"):
            return None
        self.name = "log"
        return Message((text[ui.end() :],))

    def _machine(self, target: str, kind: str, data: str) -> Message | Record | None:
        if self.name == "plain":
            return None
        self.name = "machine"
        if kind != "ui":
            fields = tuple(_value(each) for each in data.split(","))
            return Record(target, kind, fields)
        lines = _value(data.partition(",")[2]).split("\n")[:MAX_LINES]
        return Message(tuple(self._plain(each[:MAX_LENGTH]) for each in lines))


def _value(text: str) -> str:
    return text.replace("%!(PACKER_COMMA)", ",").replace("\\r", "").replace("\\n", "\n")
