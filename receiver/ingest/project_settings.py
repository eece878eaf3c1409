"""The projects file: what an installation decides for a project, and which images it expects.

It is read where something is shown, never by the fold: a change needs no build to be read again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from receiver.domain.expectations import Expectation, Row
from receiver.domain.images import Serving
from receiver.domain.model import Json
from receiver.domain.windows import Window
from receiver.errors import ConfigError
from receiver.ingest import project_values
from receiver.ingest.project_values import Reader
from receiver.ingest.rule_file import key_line, lines_of, parse_toml, table_line

EVERY_PROJECT = "*"


@dataclass(frozen=True, slots=True)
class ProjectTable:
    """What is set for one project; None where nothing is.

    `serve_branches` are patterns with * and ? of the branches whose images are served. `unstable`
    is "completed" where a build with Jenkins's warning counts as a good one.
    """

    serve_branches: tuple[str, ...] | None = None
    unstable: str | None = None
    window: Window | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class GroupTable:
    """What the users of a group may do, whom a proxy signs in: a scope over some projects and those
    below them, over every one where none is named."""

    scope: str = "read"
    projects: tuple[str, ...] = ()
    override: bool = False


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The contents of the file; `ProjectSettings()` is an empty one."""

    projects: Mapping[str, ProjectTable] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    groups: Mapping[str, GroupTable] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, file_name: str) -> "ProjectSettings":
        """Return the contents of a TOML file. Raises ConfigError with each mistake and its line."""
        reader = _Reader(text, file_name)
        settings = reader.read(parse_toml(text, file_name))
        if reader.problems:
            raise ConfigError(reader.problems)
        return settings

    def of(self, projects: Sequence[str]) -> ProjectTable:
        """Return what holds for a project: `projects` is it and those above it, nearest first.

        Each key is that of the nearest project that sets it, else that of "*".
        """
        names = (*projects, EVERY_PROJECT)
        tables = [self.projects[name] for name in names if name in self.projects]
        return ProjectTable(**{key: _first(tables, key) for key in project_values.PROJECT})

    def serving(self, projects: Sequence[str]) -> Serving:
        """Return which builds of a project are served; `projects` as in of()."""
        table = self.of(projects)
        return Serving(table.serve_branches, table.unstable == "completed")

    def expectation(self, image: Row, projects: Sequence[str]) -> Expectation | None:
        """Return what is expected of an image, by the first line that fits, with the hours of its
        project; None where no line fits. `projects` as in of()."""
        lines = (each for each in self.expectations if each.fits(image, projects))
        line = next(lines, None)
        return line and replace(line, hours=self.of(projects).window)


def _first(tables: Sequence[ProjectTable], key: str) -> Any:
    values = (getattr(table, key) for table in tables)
    return next((value for value in values if value is not None), None)


class _Reader:
    """Reads both kinds of tables and collects their problems."""

    def __init__(self, text: str, file_name: str) -> None:
        self.text, self.file_name = text, file_name
        self.problems: list[str] = []

    def read(self, document: Json) -> ProjectSettings:
        for name in document.keys() - {"project", "expect", "group"}:
            self._add(
                key_line(self.text, 1, name),
                f'write [project."…"], [[expect]] or [group."…"], not {name}',
            )
        projects = {
            name: ProjectTable(**self._values(table, line, project_values.PROJECT))
            for name, line, table in self._projects(document.get("project", {}), "project")
        }
        groups = {
            name: GroupTable(**self._values(table, line, project_values.GROUP))
            for name, line, table in self._projects(document.get("group", {}), "group")
        }
        expectations = tuple(
            Expectation(**self._values(table, line, project_values.EXPECT))
            for line, table in self._expectations(document.get("expect", []))
        )
        return ProjectSettings(projects, expectations, groups)

    def _projects(self, tables: object, kind: str) -> Iterator[tuple[str, int, Json]]:
        if not isinstance(tables, dict):
            self._add(key_line(self.text, 1, f"[[{kind}"), f'write [{kind}."core"]')
            return
        for name, table in tables.items():
            line = table_line(self.text, kind, name)
            if isinstance(table, dict):
                yield name, line, table
            else:
                self._add(line, f'write [{kind}."…"] with the name of a {kind}, not {name} alone')

    def _expectations(self, tables: object) -> Iterator[tuple[int, Json]]:
        if not isinstance(tables, list):
            self._add(key_line(self.text, 1, "[expect"), "write [[expect]] with two brackets")
            return
        lines = lines_of(self.text, "expect")
        for place, table in enumerate(tables):
            yield lines[place] if place < len(lines) else 1, table

    def _values(self, table: Json, line: int, readers: Mapping[str, Reader]) -> dict[str, Any]:
        values = {}
        for key, value in table.items():
            try:
                values[key] = readers[key](value)
            except KeyError:
                known = ", ".join(readers)
                self._add(key_line(self.text, line, key), f"{key} is unknown; known are {known}")
            except ValueError as error:
                self._add(key_line(self.text, line, key), f"{key} {error}")
        return values

    def _add(self, line: int, problem: str) -> None:
        self.problems.append(f"{self.file_name}, line {line}: {problem}.")
