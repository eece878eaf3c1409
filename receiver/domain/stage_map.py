"""Names of stages → states 0..100; pure. The project's map first, then the built-in one.

A name maps to a state only where it says what is done to the image. A step around it (checkout,
credentials, lint) and a step that is the whole build ("Packer build") map to nothing.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from receiver.domain import patterns as regex
from receiver.domain.stage_words import (
    ALIASES,
    ASIDE,
    FINISHED,
    NOT_A_STEP,
    PARTICULAR,
    PATTERNS,
    SCRIPTS,
)
from receiver.errors import ConfigError

STATES = {
    0: "initial",
    5: "kickstart started",
    10: "green image",
    15: "base configuration",
    20: "cloud provider setup",
    25: "security baseline",
    30: "monitoring and logging",
    35: "runtimes",
    40: "network",
    45: "storage",
    50: "users and authentication",
    55: "services",
    60: "application",
    65: "configuration management",
    70: "integration tests",
    75: "performance",
    80: "backup",
    85: "documentation and metadata",
    90: "final validation",
    95: "sealing and cleanup",
    100: "complete and delivered",
}

_ACTION = re.compile(r"^[\w.-]+ [\w. -]+@")  # "Run actions/setup-java@v4", without its slash
# A step of a forge that installs something on the machine that the job runs on, not in the image.
_SETS_UP = re.compile(r"^(?:install|set ?up|use)\b")
_SCRIPT = re.compile(r"^[^\s]*?([\w-]+)\.(?:sh|bash|zsh|ps1|psm1|py|rb|pl|cmd|bat|ya?ml)$")
_EDGES = re.compile(r"""[`'"*_]+""")
_PREFIX = re.compile(
    r"^(?:run|step|stage|task|phase|provisioner|provisioning step)\b[\s:]*(?:[ivx]+\b|\d+)?"
    r"(?:\s*(?:of|/)\s*\d+)?[\s:.)-]*",
)
_NUMBERING = re.compile(r"^[\[(]?\d{1,3}(?:\s*/\s*\d{1,3})?[\])]?\s*[-.:)]?\s+")
_MATRIX = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])\s*$")
_SEPARATORS = re.compile(r"[\s_/:.,;\u2013\u2014-]+")


@lru_cache(maxsize=4096)
def clean(name: str) -> str:
    """Return the name without case, numbering, "Run ", matrix suffix and punctuation. The name of a
    script is its file's, without folder and ending.

    >>> clean("Run `Harden OS` (rhel-9, aws)")
    'harden os'
    >>> clean("./scripts/harden-os.sh")
    'harden os'
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    text = "".join(each for each in folded if unicodedata.category(each) not in ("So", "Cf", "Mn"))
    text = _SCRIPT.sub(r"\1", _EDGES.sub(" ", text).strip())
    for pattern in (_MATRIX, _NUMBERING, _PREFIX, _NUMBERING):
        text = pattern.sub("", text).strip() or text
    return _SEPARATORS.sub(" ", text).strip() or folded.strip()


_EXACT = {clean(name): state for state, name in STATES.items() if state < 100} | {
    clean(alias): state for state, names in ALIASES.items() for alias in names.split(", ")
}
_SCRIPTS = {clean(name): state for state, names in SCRIPTS.items() for name in names.split(", ")}
_PARTICULAR = tuple((re.compile(pattern), state) for pattern, state in PARTICULAR)
_FINISHED = tuple((re.compile(pattern), state) for pattern, state in FINISHED)
_WORDS = tuple((re.compile(pattern), state) for pattern, state in PATTERNS)


@lru_cache(maxsize=4096)
def builtin(name: str) -> int | None:
    """Return the state of a name in the built-in map, below 100; None for most names."""
    text = clean(name)
    if text in _EXACT:
        return _EXACT[text]
    if text in _SCRIPTS and _SCRIPT.match(name.strip()):
        return _SCRIPTS[text]
    if _ACTION.match(text):
        return None
    if text.startswith("post processor "):  # as the wrapper around Packer calls its stage
        return 95
    tried = () if ASIDE.search(text) else _FINISHED
    tried += _PARTICULAR if NOT_A_STEP.search(text) else _PARTICULAR + _WORDS
    return next((state for pattern, state in tried if pattern.search(text)), None)


def builtin_of_forge(name: str) -> int | None:
    """Return the built-in state of a forge's step, which runs beside the image and not in it."""
    return None if _SETS_UP.search(clean(name)) else builtin(name)


def position(place: int, total: int) -> int:
    """Return the estimated state of step `place` (from 1) of `total`: a multiple of 5 below 100.

    >>> [position(place, 3) for place in (1, 2, 3)]
    [30, 65, 95]
    """
    return min(95, 100 * place // total // 5 * 5)


class Mapped(NamedTuple):
    """A state of a name; `chosen` by the project's own map."""

    state: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class ProjectStages:
    """One table of the file: exact cleaned names first, then patterns in the file's order."""

    names: Mapping[str, int]
    patterns: tuple[tuple[regex.Pattern, int], ...]

    def state_of(self, name: str) -> int | None:
        """Return the state of a name in this table alone."""
        exact = self.names.get(clean(name))
        if exact is not None:
            return exact
        return next((state for pattern, state in self.patterns if pattern.search(name)), None)


@dataclass(frozen=True, slots=True)
class StageMap:
    """The project's map above the built-in one; `StageMap()` is the built-in one alone.

    `version` is that of its document in the database, 0 where it has none. Two maps with one
    content are equal.
    """

    projects: Mapping[str, ProjectStages] = field(default_factory=dict)
    version: int = field(default=0, compare=False)

    @classmethod
    def parse(cls, text: str, file_name: str) -> "StageMap":
        """Return the map in a TOML file. Raises ConfigError with every mistake and its line."""
        try:
            document = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # also a number of 5,000 digits
            raise ConfigError([f"{file_name}: {error}."]) from error
        problems = list(_problems(text, file_name, document))
        if problems:
            raise ConfigError(problems)
        return cls({project: _table(table) for project, table in document.items()})

    def state_of(self, name: str, projects: Sequence[str]) -> int | None:
        """Return the state of a stage; `projects` is the build's project and those above it."""
        mapped = self.mapped(name, projects)
        return mapped.state if mapped else None

    def mapped(
        self, name: str, projects: Sequence[str], *, is_forge: bool = False
    ) -> Mapped | None:
        """Return the state of a stage, or of a forge's step, and whether the project chose it."""
        for project in (*projects, "*") if self.projects else ():
            table = self.projects.get(project)
            state = table.state_of(name) if table else None
            if state is not None:
                return Mapped(state, chosen=True)
        return _guessed(name, is_forge)


@lru_cache(maxsize=4096)
def _guessed(name: str, is_forge: bool) -> Mapped | None:
    state = builtin_of_forge(name) if is_forge else builtin(name)
    return None if state is None else Mapped(state, chosen=False)


def _table(table: Mapping[str, Mapping[str, int]]) -> ProjectStages:
    return ProjectStages(
        {clean(name): state for name, state in table.get("names", {}).items()},
        tuple((regex.compiled(each), state) for each, state in table.get("patterns", {}).items()),
    )


def _problems(text: str, file_name: str, document: Mapping[str, Any]) -> Iterator[str]:
    for project, table in document.items():
        if not isinstance(table, dict):
            yield f"{_place(text, file_name, project)}: {project} must be a table of a project."
            continue
        for key, entries in table.items():
            if key not in ("names", "patterns") or not isinstance(entries, dict):
                yield f"{_place(text, file_name, key)}: {key} is no table names or patterns."
                continue
            for name, state in entries.items():
                problem = _entry_problem(key, name, state)
                if problem:
                    yield f"{_place(text, file_name, name)}: {name}: {problem}."


def _entry_problem(key: str, name: str, state: object) -> str | None:
    if type(state) is not int or not 0 <= state <= 100:
        return "a state is an integer from 0 to 100"
    if key == "patterns":
        try:
            regex.compiled(name)
        except ConfigError as error:
            return f"no regular expression: {error}"
    return None


def _place(text: str, file_name: str, key: str) -> str:
    """Return the place of a key: TOML readers keep no lines."""
    spellings = (key, key.replace("\\", "\\\\").replace('"', '\\"'))
    lines = enumerate(text.splitlines(), 1)
    first = next((number for number, line in lines if any(each in line for each in spellings)), 1)
    return f"{file_name}, line {first}"
