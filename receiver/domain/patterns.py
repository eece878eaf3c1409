"""Regular expressions of the settings' files, by RE2: its time grows with the text alone.

Python's own engine can take years on a short name (https://swtch.com/~rsc/regexp/regexp1.html).
The syntax is Python's without look-around, back-references and `\\Z`
(https://github.com/google/re2/wiki/Syntax).
"""

from typing import Any, Protocol

import re2  # type: ignore[import-untyped]  # it has no types

from receiver.errors import ConfigError


class Match(Protocol):
    """A match; a group that took no part is None."""

    def groupdict(self) -> dict[str, str | None]: ...


class Pattern(Protocol):
    """A compiled pattern; `groupindex` has the names of its groups, `pattern` is its text."""

    groupindex: Any
    pattern: str

    def search(self, text: str) -> Match | None: ...


_OPTIONS = re2.Options()
_OPTIONS.log_errors = False  # the error tells the same


def compiled(text: str) -> Pattern:
    """Return the pattern of a text. Raises ConfigError with the reason where it is none."""
    try:
        pattern: Pattern = re2.compile(text, options=_OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        raise ConfigError([f"{reason}; see https://github.com/google/re2/wiki/Syntax"]) from error
    return pattern
