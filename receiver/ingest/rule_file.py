"""Shared by the TOML files of routes, senders and projects: their lines, and tables of patterns."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from receiver.domain import patterns as regex
from receiver.domain.model import Json
from receiver.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Pattern:
    """Regular expressions that must all match, and constants; their groups capture texts."""

    patterns: Mapping[str, regex.Pattern]
    variables: Mapping[str, regex.Pattern]
    constants: Mapping[str, str]

    @classmethod
    def read(
        cls, table: Mapping[str, Any], patterns: Sequence[str], constants: Sequence[str]
    ) -> "Pattern":
        """Return the pattern of a valid table; `patterns` and `constants` are its possible keys."""
        variables = table.get("variables", {})
        return cls(
            patterns={name: regex.compiled(table[name]) for name in patterns if name in table},
            variables={name: regex.compiled(each) for name, each in variables.items()},
            constants={name: table[name] for name in constants if name in table},
        )

    def captures(
        self, texts: Mapping[str, str], variables: Mapping[str, str]
    ) -> dict[str, str] | None:
        """Return the constants and, above them, the named groups; None if a pattern fails."""
        pairs = self._pairs(texts, variables)
        matches = [pattern.search(text) for _, pattern, text in pairs]
        if not all(matches):
            return None
        named = {key: text for each in matches if each for key, text in each.groupdict().items()}
        return dict(self.constants) | {key: text for key, text in named.items() if text}

    def misses(self, texts: Mapping[str, str], variables: Mapping[str, str]) -> list[str]:
        """Return the keys whose patterns do not match."""
        pairs = self._pairs(texts, variables)
        return [name for name, pattern, text in pairs if not pattern.search(text)]

    def _pairs(
        self, texts: Mapping[str, str], variables: Mapping[str, str]
    ) -> list[tuple[str, regex.Pattern, str]]:
        pairs = [(name, each, texts.get(name, "")) for name, each in self.patterns.items()]
        return pairs + [
            (f"variables.{name}", each, variables.get(name, ""))
            for name, each in self.variables.items()
        ]


def parse_toml(text: str, file_name: str) -> Json:
    """Return a document. Raises ConfigError, with the line, for what is no TOML."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of 5,000 digits
        raise ConfigError([f"{file_name}: {error}."]) from error


def lines_of(text: str, kind: str) -> list[int]:
    """Return the line of each [[kind]]: TOML readers keep no lines."""
    lines = enumerate(text.splitlines(), 1)
    return [number for number, line in lines if line.strip().startswith(f"[[{kind}]]")]


def table_line(text: str, kind: str, name: str) -> int:
    """Return the line of [kind.name], however the name is quoted; 1 where it is written inline."""
    headers = {f"[{kind}.{each}]" for each in (name, f'"{name}"', f"'{name}'")}
    lines = enumerate(text.splitlines(), 1)
    return next((n for n, line in lines if line.partition("#")[0].strip() in headers), 1)


def key_line(text: str, start: int, key: str) -> int:
    """Return the first line from `start` on that begins with this key; `start` if none does."""
    spellings = (key, f'"{key}"', f"'{key}'", f"[{key}")
    lines = enumerate(text.splitlines(), 1)
    found = (n for n, line in lines if n >= start and line.strip().startswith(spellings))
    return next(found, start)


def problems_of(
    table: Mapping[str, Any], texts: Sequence[str], patterns: Sequence[str], groups: Sequence[str]
) -> Iterator[str]:
    """Yield the problems of a table; `groups` are the names that a pattern may capture."""
    variables = table.get("variables", {})
    if not isinstance(variables, dict):
        yield "variables must be a table of patterns"
        variables = {}
    for name, value in table.items():
        if name != "variables" and name not in (*texts, *patterns):
            yield f"{name} is unknown"
        elif name != "variables" and not isinstance(value, str):
            yield f"{name} must be text"
    for name, value in [(name, table[name]) for name in patterns if name in table]:
        yield from _pattern_problems(name, value, groups)
    for name, value in variables.items():
        if not isinstance(value, str):
            yield f"variables.{name} must be text"
        yield from _pattern_problems(name, value, groups)


def _pattern_problems(name: str, value: object, groups: Sequence[str]) -> Iterator[str]:
    try:
        unknown = set(regex.compiled(str(value)).groupindex) - set(groups)
    except ConfigError as error:
        yield f"{name} is no regular expression: {error}"
        return
    if unknown:
        yield f"{name} names the groups {sorted(unknown)}; known are {', '.join(groups)}"
