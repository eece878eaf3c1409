"""Which forge jobs are image builds, and what their names tell; pure.

A TOML file of `[[route]]` tables; the first that matches a job makes it a build.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from receiver.errors import ConfigError
from receiver.model import DIMENSIONS, Identity, Json, Subject
from receiver.wire import NUMBER_SHAPE, slug

GLOBS = ("source", "repository", "workflow")
PATTERNS = ("job", "branch")
GIVEN = (*DIMENSIONS, "build_number")


@dataclass(frozen=True, slots=True)
class Match:
    """What a route makes of a job: the build's number and what it is of."""

    build_number: str
    identity: Identity


@dataclass(frozen=True, slots=True)
class Route:
    """One table: globs and patterns that must all fit, and constants."""

    globs: Mapping[str, str]
    patterns: Mapping[str, re.Pattern[str]]
    variables: Mapping[str, re.Pattern[str]]
    constants: Mapping[str, str]

    def match(self, subject: Subject) -> Match | None:
        """What it makes of a job; None where it does not fit."""
        if not all(fnmatchcase(_text(subject, name), glob) for name, glob in self.globs.items()):
            return None
        tried = [(pattern, _text(subject, name)) for name, pattern in self.patterns.items()]
        tried += [
            (pattern, subject.variables.get(name, "")) for name, pattern in self.variables.items()
        ]
        found = [pattern.search(text) for pattern, text in tried]
        if not all(found):
            return None
        named = {key: text for each in found if each for key, text in each.groupdict().items()}
        return _match(subject, dict(self.constants) | {k: v for k, v in named.items() if v})


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes, in the file's order; `Routes()` makes nothing a build."""

    routes: tuple[Route, ...] = field(default=())

    @classmethod
    def parse(cls, text: str, file_name: str) -> "Routes":
        """Read the TOML file; ConfigError names every mistake with its line."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError([f"{file_name}: {error}."]) from error
        problems = list(_problems(document, _lines(text), file_name))
        if problems:
            raise ConfigError(problems)
        return cls(tuple(_route(table) for table in document.get("route", [])))

    def match(self, subject: Subject) -> Match | None:
        """What the first route that fits makes of a job."""
        found = (route.match(subject) for route in self.routes)
        return next((match for match in found if match), None)


def _text(subject: Subject, name: str) -> str:
    return getattr(subject, name) or ""


def _match(subject: Subject, known: Mapping[str, str]) -> Match:
    said = [known.get(name, "") for name in ("os_version", "image_type", "platform")]
    parts = [subject.repository, subject.run, *([text for text in said if text] or [subject.job])]
    number = known.get("build_number") or slug("-".join(part for part in parts if part))
    identity = Identity(**{name: known[name].strip()[:200] for name in DIMENSIONS if name in known})
    return Match(number if NUMBER_SHAPE.match(number) else slug(number), identity)


def _route(table: Json) -> Route:
    return Route(
        globs={name: table[name] for name in GLOBS if name in table},
        patterns={name: re.compile(table[name]) for name in PATTERNS if name in table},
        variables={name: re.compile(each) for name, each in table.get("variables", {}).items()},
        constants={name: table[name] for name in GIVEN if name in table},
    )


def _lines(text: str) -> list[int]:
    """The line of each [[route]]."""
    lines = enumerate(text.splitlines(), 1)
    return [number for number, line in lines if line.strip().startswith("[[route]]")]


def _problems(document: Json, lines: list[int], file_name: str) -> Iterator[str]:
    for name in document.keys() - {"route"}:
        yield f"{file_name}: {name} is unknown; write [[route]] tables."
    tables = document.get("route", [])
    if not isinstance(tables, list):
        yield f"{file_name}: write [[route]] with two brackets."
        return
    for place, table in enumerate(tables):
        line = lines[place] if place < len(lines) else 1
        for problem in _table_problems(table):
            yield f"{file_name}, route at line {line}: {problem}."


def _table_problems(table: Any) -> Iterator[str]:
    for name, value in table.items():
        if name == "variables" and isinstance(value, dict):
            for variable, pattern in value.items():
                yield from _pattern_problems(variable, pattern)
        elif name not in (*GLOBS, *PATTERNS, *GIVEN):
            yield f"{name} is unknown"
        elif not isinstance(value, str):
            yield f"{name} must be text"
        elif name in PATTERNS:
            yield from _pattern_problems(name, value)
    if "job" not in table and "workflow" not in table and "repository" not in table:
        yield "name a repository, a workflow or a job, or every job becomes a build"


def _pattern_problems(name: str, value: object) -> Iterator[str]:
    try:
        unknown = set(re.compile(str(value)).groupindex) - set(GIVEN)
    except re.error as error:
        yield f"{name} is no regular expression: {error}"
        return
    if unknown:
        yield f"{name} names the groups {sorted(unknown)}; known are {', '.join(GIVEN)}"
