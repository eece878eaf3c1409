"""Suggest routes for the jobs of kept deliveries that no route and no hook makes a build."""

import glob
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from receiver.domain import image_names
from receiver.domain.delivery import Report, Subject
from receiver.errors import ConfigError, Invalid
from receiver.ingest.image_jobs import looks_like_an_image_build
from receiver.ingest.route_patterns import exactly, parts_of, pattern_of
from receiver.ingest.routing import Routes
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import deliveries
from receiver.storage.delivery_problems import UNUSED

MAX_NAMES = 40
SHOWN_NAMES = 5

Place = tuple[str, str, str | None]  # source, repository, workflow


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A route that would make builds of these jobs, as TOML to paste."""

    source: str
    repository: str
    workflow: str | None
    jobs: tuple[str, ...]
    toml: str


def suggest_routes(services: Services, limit: int) -> list[Suggestion]:
    """Return routes for the unused jobs of at most `limit` of the newest deliveries."""
    reports: list[Report] = []
    for source, request in deliveries.requests(services.database, "ignored", UNUSED, limit):
        with suppress(Invalid):
            reports += SOURCES[source].read(request).reports
    return suggest(reports)


def suggest(reports: Iterable[Report]) -> list[Suggestion]:
    """Return a route for each shape of job names that looks like image builds, most jobs first."""
    places: dict[Place, dict[object, list[Subject]]] = defaultdict(lambda: defaultdict(list))
    for subject, steps in _jobs(reports):
        if looks_like_an_image_build(subject.job, subject.workflow or "", steps):
            place = (subject.source, subject.repository, subject.workflow)
            places[place][parts_of(subject.job).shape].append(subject)
    suggestions = [
        _suggestion(place, subjects, is_alone=len(shapes) == 1)
        for place, shapes in places.items()
        for subjects in shapes.values()
    ]
    return sorted(suggestions, key=lambda each: (-len(each.jobs), each.repository, each.jobs))


def _jobs(reports: Iterable[Report]) -> list[tuple[Subject, list[str]]]:
    """Return each job once, with its steps by any of its reports.

    GitHub lists the steps of a job; GitLab the stages of the whole pipeline, of which a job has
    one.
    """
    subjects: dict[tuple[str, ...], Subject] = {}
    steps: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for report in reports:
        subject = report.subject
        key = (subject.source, subject.repository, subject.workflow or "", subject.job)
        if not subject.job:
            continue
        subjects.setdefault(key, subject)
        if subject.source == "github":
            steps[key].update(dict.fromkeys(report.statement.order))
    return [(subject, list(steps[key])) for key, subject in subjects.items()]


def _suggestion(place: Place, subjects: Sequence[Subject], *, is_alone: bool) -> Suggestion:
    """Return the route of jobs of one shape; `is_alone` where their workflow has no other."""
    jobs = sorted(subject.job for subject in subjects)
    pattern, constants = pattern_of([parts_of(job) for job in jobs]), {}
    if is_alone and (system := _system_of_workflow(place[2] or "", jobs)):
        pattern, constants = pattern.replace("(?P<os_version>", "(?:"), {"os_version": system}
    toml = _toml(place, jobs, pattern, constants)
    if not _fits(toml, subjects):
        toml = _toml(place, jobs, exactly(jobs[:MAX_NAMES]), {})
    return Suggestion(*place, tuple(jobs), toml)


def _fits(toml: str, subjects: Sequence[Subject]) -> bool:
    """Return whether a route matches each of its jobs, and gives each a number of its own."""
    try:
        routes = Routes.parse(toml, "")
    except ConfigError:
        return False
    matches = [routes.match(subject) for subject in subjects]
    pairs = zip(subjects, matches, strict=True)
    numbers = {(subject.run, match.build_number) for subject, match in pairs if match}
    return len(numbers) == len(subjects)


def _system_of_workflow(workflow: str, jobs: Sequence[str]) -> str | None:
    """Return the system and version that a workflow's name tells, where its job's does not."""
    reading = image_names.read(workflow)
    told = [image_names.read(job) for job in jobs]
    if len(jobs) > 1 or not reading.version or any(each.version for each in told):
        return None
    families = {each.family for each in told} - {None}
    return reading.os_version if families <= {reading.family} else None


def _toml(place: Place, jobs: Sequence[str], pattern: str, constants: Mapping[str, str]) -> str:
    source, repository, workflow = place
    lines = [
        f"# {len(jobs)} job{'s' if len(jobs) > 1 else ''}: {_comment(jobs)}",
        "[[route]]",
        f"source = {_quoted(source)}",
        f"repository = {_quoted(glob.escape(repository))}",
        *([f"workflow = {_quoted(glob.escape(workflow))}"] if workflow else []),
        f"job = {_quoted(pattern)}",
        f"project = {_quoted(repository.rpartition('/')[2][:200])}",
        *(f"{name} = {_quoted(text)}" for name, text in constants.items()),
    ]
    return "\n".join(lines) + "\n"


def _comment(jobs: Sequence[str]) -> str:
    more = ", …" if len(jobs) > SHOWN_NAMES else ""
    text = ", ".join(jobs[:SHOWN_NAMES]) + more
    return "".join(each if each.isprintable() else " " for each in text)


def _quoted(text: str) -> str:
    """Return a TOML string, a literal one if possible, so that patterns stay readable."""
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
