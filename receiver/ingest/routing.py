"""Routes: which forge jobs are image builds, and which identity their names state.

A TOML file of `[[route]]` tables; the first that matches a job makes it a build.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import msgspec

from receiver.domain.delivery import Subject
from receiver.domain.model import DIMENSIONS, NUMBER_SHAPE, Identity, Json
from receiver.errors import ConfigError
from receiver.ingest.rule_file import Pattern, lines_of, parse_toml, problems_of
from receiver.sources.fields import slug

MOST_KNOWN = 1_000  # jobs
GLOBS = ("source", "repository", "workflow")
PATTERNS = ("job", "branch")
CAPTURES = (*DIMENSIONS, "build_number")


@dataclass(frozen=True, slots=True)
class Match:
    """The build of a job by a route: number and identity. `line` is the route's in its file."""

    build_number: str
    identity: Identity
    line: int = 0


@dataclass(frozen=True, slots=True)
class Near:
    """A route that fits a job in some of its keys; `misses` are the others, with the job's text."""

    line: int
    misses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Route:
    """One table: globs and patterns that must all fit, and constants."""

    globs: Mapping[str, str]
    pattern: Pattern
    line: int = 0

    def match(self, subject: Subject) -> Match | None:
        """Return the build of a job; None if the route does not fit."""
        if not all(fnmatchcase(_text(subject, name), glob) for name, glob in self.globs.items()):
            return None
        texts = {name: _text(subject, name) for name in PATTERNS}
        captures = self.pattern.captures(texts, subject.variables)
        return None if captures is None else _match(subject, captures, self.line)

    def near(self, subject: Subject) -> Near | None:
        """Return which keys do not fit a job; None if all of them or none of them does."""
        missed = [
            name for name, glob in self.globs.items() if not fnmatchcase(_text(subject, name), glob)
        ]
        texts = {name: _text(subject, name) for name in PATTERNS}
        missed += self.pattern.misses(texts, subject.variables)
        keys = len(self.globs) + len(self.pattern.patterns) + len(self.pattern.variables)
        if "source" in missed or not 0 < len(missed) < keys:
            return None
        return Near(self.line, {name: _told(subject, name) for name in missed})


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes, in the file's order; `Routes()` has none.

    `known` are the matches of the last jobs: each comes with several deliveries, and RE2 takes as
    long as all else that is read in one.
    """

    routes: tuple[Route, ...] = field(default=())
    known: dict[bytes, tuple[Match | None]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, file_name: str) -> "Routes":
        """Return the routes of a TOML file. Raises ConfigError with every mistake and its line."""
        document = parse_toml(text, file_name)
        problems = list(_problems(document, lines_of(text, "route"), file_name))
        if problems:
            raise ConfigError(problems)
        tables = document.get("route", [])
        lines = [*lines_of(text, "route"), *[1] * len(tables)]  # fewer where a table is inline
        return cls(tuple(_route(table, line) for table, line in zip(tables, lines, strict=False)))

    def match(self, subject: Subject) -> Match | None:
        """Return the build of a job by the first route that fits; None if none does."""
        key = msgspec.msgpack.encode(subject)
        known = self.known.get(key)
        if known is None:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            matches = (route.match(subject) for route in self.routes)
            known = self.known[key] = (next((match for match in matches if match), None),)
        return known[0]

    def nearest(self, subject: Subject) -> Near | None:
        """Return the route that fits a job in all but the fewest of its keys, if any is near."""
        near = [each for route in self.routes if (each := route.near(subject))]
        return min(near, key=lambda each: len(each.misses), default=None)


def _told(subject: Subject, name: str) -> str:
    kind, _, variable = name.partition(".")
    return subject.variables.get(variable, "") if kind == "variables" else _text(subject, name)


def _text(subject: Subject, name: str) -> str:
    return getattr(subject, name) or ""


def _match(subject: Subject, captures: Mapping[str, str], line: int) -> Match:
    texts = [captures.get(name, "") for name in ("os_version", "image_type", "platform")]
    parts = [subject.repository, subject.run, *([text for text in texts if text] or [subject.job])]
    number = captures.get("build_number") or slug("-".join(part for part in parts if part))
    identity = Identity(
        **{name: captures[name].strip()[:200] for name in DIMENSIONS if name in captures}
    )
    return Match(number if NUMBER_SHAPE.match(number) else slug(number), identity, line)


def _route(table: Json, line: int) -> Route:
    globs = {name: table[name] for name in GLOBS if name in table}
    return Route(globs, Pattern.read(table, PATTERNS, CAPTURES), line)


def _problems(document: Json, lines: list[int], file_name: str) -> Iterator[str]:
    for name in document.keys() - {"route"}:
        yield f"{file_name}: {name} is unknown; write [[route]] tables."
    tables = document.get("route", [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        yield f"{file_name}: write [[route]] with two brackets."
        return
    for place, table in enumerate(tables):
        line = lines[place] if place < len(lines) else 1
        for problem in _table_problems(table):
            yield f"{file_name}, route at line {line}: {problem}."


def _table_problems(table: Json) -> Iterator[str]:
    yield from problems_of(table, (*GLOBS, *CAPTURES), PATTERNS, CAPTURES)
    if not table.keys() & {"repository", "workflow", "job"}:
        yield "name a repository, a workflow or a job, or every job becomes a build"
