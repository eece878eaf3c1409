"""The senders file: named users of a source with their own secrets and projects, and defaults.

A default fills what a delivery does not state about a build. It ranks above the guess of a parser,
and below the statement of the sender and the route.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from receiver.config_files import read_text
from receiver.domain.delivery import Sender
from receiver.domain.model import DIMENSIONS, Identity, Json
from receiver.errors import ConfigError
from receiver.ingest.rule_file import Pattern, lines_of, parse_toml, problems_of
from receiver.settings.names import SOURCES
from receiver.settings.reader import STANDARD_SOURCES
from receiver.sources import signatures

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
PATTERNS = ("job", "workflow", "entry", "branch", "build_number", "builder_type")
_SENDER_KEYS = {"name": str, "source": str, "secret_file": str, "projects": list}
_EXACT = ("source", "sender", "for_project")


@dataclass(frozen=True, slots=True)
class Default:
    """The default identity of builds of one source, sender or project, or that match a pattern."""

    exact: Mapping[str, str]
    pattern: Pattern

    def identity(self, facts: Mapping[str, str], variables: Mapping[str, str]) -> Identity:
        """Return the identity of a build; empty if the default does not fit."""
        if any(facts.get(name) != value for name, value in self.exact.items()):
            return Identity()
        captures = self.pattern.captures(facts, variables) or {}
        return Identity(**{name: text.strip()[:200] for name, text in captures.items()})


@dataclass(frozen=True, slots=True)
class Senders:
    """The contents of the file, or of the database; `Senders()` is empty."""

    senders: tuple[Sender, ...] = ()
    defaults: tuple[Default, ...] = ()
    _by_name: Mapping[tuple[str, str], Sender] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the senders: each delivery looks for one."""
        index = {(each.source, each.name): each for each in self.senders}
        object.__setattr__(self, "_by_name", index)

    def find(self, source: str, name: str) -> Sender | None:
        """Return the sender of this name; None if there is none."""
        return self._by_name.get((source, name))

    def beside(self, other: "Senders") -> "Senders":
        """Return these with the senders of `other` whose names are free, and with its defaults."""
        if not (other.senders or other.defaults):
            return self
        if not (self.senders or self.defaults):
            return other
        added = (each for each in other.senders if not self.find(each.source, each.name))
        return Senders((*self.senders, *added), (*self.defaults, *other.defaults))

    def identity(self, facts: Mapping[str, str], variables: Mapping[str, str]) -> Identity:
        """Return the identity of a build: of each dimension the first default that has it.

        `facts` has source, sender, for_project and the texts that the patterns match.
        """
        identities = [default.identity(facts, variables) for default in self.defaults]
        return Identity(
            **{
                name: next((text for each in identities if (text := getattr(each, name))), None)
                for name in DIMENSIONS
            }
        )

    @classmethod
    def parse(
        cls,
        text: str,
        file_name: str,
        folder: Path,
        taken: Mapping[str, tuple[str, ...]],
        read: Callable[[Path], str] = read_text,
    ) -> "Senders":
        """Return the contents of a TOML file; `taken` are the secrets of the default senders.

        Secret files are in `folder`, and are read by `read`. Raises ConfigError with every mistake
        and its line.
        """
        document = parse_toml(text, file_name)
        reader = _Reader(text, file_name, folder, taken, read)
        senders = reader.read(document)
        if reader.problems:
            raise ConfigError(reader.problems)
        return senders


def parse_defaults(text: str, file_name: str) -> Senders:
    """Return the defaults of a document in the database; senders are in a table of their own there.

    Raises ConfigError.
    """
    if parse_toml(text, file_name).get("sender"):
        raise ConfigError(
            [f"{file_name}: senders are in the database: use `milepost sender`, not [[sender]]."]
        )
    return Senders.parse(text, file_name, Path(), {})


class _Reader:
    """Reads both kinds of tables and collects their problems."""

    def __init__(
        self,
        text: str,
        file_name: str,
        folder: Path,
        taken: Mapping[str, tuple[str, ...]],
        read_secret: Callable[[Path], str],
    ) -> None:
        self.text, self.file_name, self.folder = text, file_name, folder
        self.read_secret = read_secret
        self.problems: list[str] = []
        self.owners = {secret: source for source, lines in taken.items() for secret in lines}

    def read(self, document: Json) -> Senders:
        for name in document.keys() - {"sender", "default"}:
            self.problems.append(f"{self.file_name}: write [[sender]] or [[default]], not {name}.")
        senders = [self._sender(*table) for table in self._tables(document, "sender")]
        defaults = [self._default(*table) for table in self._tables(document, "default")]
        made = tuple(each for each in senders if each)
        names = [(each.source, each.name) for each in made]
        for source, name in sorted({each for each in names if names.count(each) > 1}):
            self.problems.append(f"{self.file_name}: {source} has two senders called {name}.")
        return Senders(made, tuple(each for each in defaults if each))

    def _tables(self, document: Json, kind: str) -> Iterator[tuple[str, Json]]:
        tables, lines = document.get(kind, []), lines_of(self.text, kind)
        if not isinstance(tables, list):
            self.problems.append(f"{self.file_name}: write [[{kind}]] with two brackets.")
            return
        for line, table in zip(lines, tables, strict=False):
            yield f"{self.file_name}, {kind} at line {line}", table

    def _sender(self, place: str, table: Json) -> Sender | None:
        problems = list(_sender_problems(table))
        secrets = () if problems else self._secrets(table, problems)
        self.problems += [f"{place}: {problem}." for problem in problems]
        if problems:
            return None
        return Sender(table["source"], table["name"], secrets, tuple(table.get("projects", ())))

    def _secrets(self, table: Json, problems: list[str]) -> tuple[str, ...]:
        path = self.folder / table["secret_file"]
        try:
            text = self.read_secret(path)
        except ConfigError:
            problems.append(f"secret_file {table['secret_file']} cannot be read")
            return ()
        lines = tuple(line.strip() for line in text.splitlines() if line.strip())
        if not lines:
            problems.append(f"secret_file {table['secret_file']} holds no secret")
        problems += self._secret_problems(table, lines)
        return lines

    def _secret_problems(self, table: Json, lines: tuple[str, ...]) -> Iterator[str]:
        for number, line in enumerate(lines, 1):
            wrong = signatures.check_secret(line) if table["source"] in STANDARD_SOURCES else None
            if wrong:
                yield f"secret_file {table['secret_file']}, line {number}: {wrong}"
            other = self.owners.setdefault(line, f"{table['source']} {table['name']}")
            if other != f"{table['source']} {table['name']}":
                yield f"it shares a secret with {other}: make two"

    def _default(self, place: str, table: Json) -> Default | None:
        problems = list(problems_of(table, (*_EXACT, *DIMENSIONS), PATTERNS, DIMENSIONS))
        self.problems += [f"{place}: {problem}." for problem in problems]
        if problems:
            return None
        exact = {name: table[name] for name in _EXACT if name in table}
        return Default(exact, Pattern.read(table, PATTERNS, DIMENSIONS))


def _sender_problems(table: Json) -> Iterator[str]:
    for name in table.keys() - _SENDER_KEYS.keys():
        yield f"{name} is unknown; known are {', '.join(_SENDER_KEYS)}"
    for name in ("name", "source", "secret_file"):
        if not isinstance(table.get(name), str):
            yield f"{name} must be text"
    if isinstance(table.get("name"), str) and not NAME.match(table["name"]):
        yield "name must be 1 to 100 of A-Z a-z 0-9 . _ -"
    if table.get("source") not in SOURCES:
        yield f"source must be one of {', '.join(SOURCES)}"
    projects = table.get("projects", [])
    if not isinstance(projects, list) or not all(isinstance(each, str) for each in projects):
        yield "projects must be a list of names"
