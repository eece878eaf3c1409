"""A line of output → Packer's own texts; pure. Plain, coloured, timed, logged or for machines.

https://developer.hashicorp.com/packer/docs/commands#machine-readable-output
"""

from __future__ import annotations

import re

MAX_LENGTH = 4_000  # of a line: more than any message, less than a minified file on a terminal

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d):? ")
_LOGGED = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_LOGGED_UI = re.compile(r"ui(?: error)?: (?:ask: )?")
_MACHINE = re.compile(r"\d{10},[^,]*,([a-z-]+),?(.*)", re.DOTALL)


class Form:
    """The form of this output: the first one found counts.

    With PACKER_LOG=1 every line comes twice, plain and in the log.
    """

    def __init__(self) -> None:
        self.name = ""

    def texts(self, line: str) -> list[str]:
        """Return Packer's texts in this line: one, several, or none."""
        text = _COLOUR.sub("", line[:MAX_LENGTH].rstrip("\r\n").lstrip("\ufeff"))
        if text[:1] == "2" and (time := _TIME.match(text)):
            text = text[time.end() :]
        if text[:1] == "2" and (logged := _LOGGED.match(text)):
            return self._logged(text[logged.end() :])
        if text[:1] == "1" and (machine := _MACHINE.match(text)):
            return self._machine(*machine.groups())
        if text.startswith("==> ") and not self.name:
            self.name = "plain"
        return [text]

    def _logged(self, text: str) -> list[str]:
        machine = _MACHINE.match(text)
        if machine:
            return self._machine(*machine.groups())
        ui = _LOGGED_UI.match(text)
        if not ui or self.name in ("plain", "machine"):
            return []
        self.name = "log"
        return [text[ui.end() :]]

    def _machine(self, kind: str, data: str) -> list[str]:
        """Return the texts of a `ui` record; other records repeat them."""
        if kind != "ui" or self.name == "plain":
            return []
        self.name = "machine"
        text = data.partition(",")[2].replace("%!(PACKER_COMMA)", ",")
        text = _COLOUR.sub("", text.replace("\\r", "").replace("\\n", "\n"))
        return [_TIME.sub("", each) for each in text.split("\n")]
