"""From causes to messages in the outbox: what is news for whom, and when it goes out.

One receiver at a time does it, under an advisory lock of each transaction, which a PgBouncer that
pools transactions keeps as well. What is decided is pure: receiver/domain/notices/.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from receiver.domain import images as choosing
from receiver.domain import redact
from receiver.domain.images import ImageFilter
from receiver.domain.model import DIMENSIONS
from receiver.domain.notices import planning, wording
from receiver.domain.notices.notice import Notice
from receiver.domain.notices.planning import Batch, Cause, News, Project
from receiver.domain.windows import period_of
from receiver.ingest.rules import Rules
from receiver.storage import images, serving
from receiver.storage import notices as storage
from receiver.storage.db import Connection, Database, Row
from receiver.storage.notice_causes import QUARANTINED

MAX_IMAGES = 3  # of a message, whose served images are looked up


@dataclass(frozen=True, slots=True)
class World:
    """What an evaluation needs: the database, the rules, and the address of the pages."""

    database: Database
    rules: Rules
    url: str


class Projects:
    """What holds for each project, by its id; read once an evaluation."""

    def __init__(self, connection: Connection, rules: Rules) -> None:
        self._chains = serving.chains(connection)
        self._ids = {names[0]: each for each, names in self._chains.items()}
        self._settings = rules.projects()

    def of(self, project_id: UUID | None) -> Project:
        """Return what holds for a project; None is what belongs to none."""
        names = tuple(self._chains.get(project_id, ())) if project_id else ()
        table = self._settings.of(names)
        return Project(names, table.owner, table.window)

    def id_of(self, name: str | None) -> UUID | None:
        """Return the id of a project of this name."""
        return self._ids.get(name) if name else None

    def named(self, name: str | None) -> Project:
        """Return what holds for a project by its name."""
        return self.of(self.id_of(name))


def evaluate(world: World, now: datetime) -> list[Batch]:
    """Turn causes into news, and drop what no longer holds. Return what has to go out now; nothing
    where another receiver evaluates."""
    with world.database.transaction() as connection:
        if not storage.try_lock(connection):
            return []
        projects = Projects(connection, world.rules)
        news = _news_of(connection, world.rules, projects, now)
        storage.insert_news(connection, news, now)
        waiting = _reviewed(connection, world.rules, now)
        told = storage.read_told(connection, waiting)
    kinds = {(name, window, planning.kind_of(kind)) for name, window, kind in told}
    return [*planning.due(waiting, world.rules.notices().notices, kinds, now)]


def _news_of(connection: Connection, rules: Rules, projects: Projects, now: datetime) -> list[News]:
    causes = storage.take_causes(connection)
    ids = [cause["build_id"] for cause in causes if cause["build_id"]]
    builds = storage.read_builds(connection, rules.projects().serving, ids)
    subjects = [planning.subject_of(build) for build in builds.values()]
    failing = storage.read_failing(connection, subjects)
    notices = rules.notices().notices
    news: list[News] = []
    for cause in causes:
        build = builds.get(cause["build_id"])
        if build:
            project = projects.of(build["project_id"])
            known = Cause(cause["type"], cause["at"], cause["attempt"])
            news += planning.of_build(known, build, project, notices, failing, now)
    return [*news, *_of_deliveries(causes, notices, rules, now)]


def _of_deliveries(
    causes: Sequence[Row], notices: Sequence[Notice], rules: Rules, now: datetime
) -> Iterator[News]:
    """Yield news of quarantined deliveries: one a day for each sender and reason."""
    for cause in causes:
        if cause["type"] != QUARANTINED or not cause["source"]:
            continue
        sender = rules.sender(cause["source"], cause["sender"])
        projects = sender.projects if sender else ()
        reason = redact.text(planning.one_line(cause["reason"] or ""))
        facts = {"sender": sender_name(cause), "cause": reason, "projects": list(projects)}
        for notice in notices:
            if is_of_sender(notice, QUARANTINED, projects):
                yield of_sender(notice, QUARANTINED, cause["at"], facts, reason, now)


def sender_name(row: Row) -> str:
    """Return a sender as `github default` or `github team-a`."""
    return f"{row['source']} {row['sender'] or 'default'}"


def is_of_sender(notice: Notice, kind: str, projects: Sequence[str]) -> bool:
    """Return whether a notice speaks of a sender: without patterns of every one, with a pattern of
    a project of those that may write to such a project alone."""
    if kind not in notice.on or set(notice.patterns) - {"project"}:
        return False
    return not notice.patterns or any(notice.fits({"project": each}) for each in projects)


def of_sender(
    notice: Notice, kind: str, at: datetime, facts: Row, what: str, now: datetime
) -> News:
    """Return news of a sender; `what` tells it apart from other news of this sender and day."""
    period = period_of(at)
    return News(
        notice=notice.name,
        key=f"{kind}/{facts['sender']}/{period.name}/{what}"[:1000],
        type=kind,
        at=at,
        window_at=period.begin,
        subject=facts["sender"],
        facts=facts,
        status=planning.DROPPED if notice.is_muted(now) else planning.WAITING,
        reason="the notice is muted" if notice.is_muted(now) else None,
    )


def _reviewed(connection: Connection, rules: Rules, now: datetime) -> list[Row]:
    """Return the news that still waits, after a look at what its builds did since."""
    rows = storage.read_open(connection)
    ids = [row["build_id"] for row in rows if row["build_id"]]
    builds = storage.read_builds(connection, rules.projects().serving, ids)
    settings, changed, waiting = rules.notices(), [], []
    for row in rows:
        build, notice = builds.get(row["build_id"]), settings.find(row["notice"])
        status, reason = planning.review(row, build, notice, now)
        if (status, reason or None) != (row["status"], row["reason"]):
            changed.append({"id": row["id"], "status": status, "reason": reason or None})
        if status == planning.WAITING:
            waiting.append(row)
    storage.update_news(connection, changed)
    return waiting


def write_messages(world: World, batch: Batch, now: datetime) -> bool:
    """Put the messages of a batch into the outbox. Return whether its news still waited."""
    rows = _with_context(world, batch.rows, now)
    told = storage.Told(
        wording.title(rows, is_late=batch.is_late),
        wording.body(rows, world.url),
        wording.document(rows, world.url),
    )
    ids = [row["id"] for row in batch.rows]
    with world.database.transaction() as connection:
        return storage.try_lock(connection) and storage.tell(
            connection, batch.notice, ids, told, now
        )


def _with_context(world: World, rows: Sequence[Mapping[str, Any]], now: datetime) -> list[Row]:
    """Return news with what is known of its images by now."""
    ids = [row["build_id"] for row in rows if row["build_id"]]
    serving_of = world.rules.projects().serving
    with world.database.transaction() as connection:
        streaks = storage.read_streaks(connection, serving_of, ids)
    shown = []
    for place, row in enumerate(rows):
        context = streak(streaks.get(row["build_id"], []), row["type"])
        if place < MAX_IMAGES and "platform" in row["facts"]:
            context |= served(world, row["facts"], now)
        shown.append(dict(row) | {"context": context})
    return shown


def streak(verdicts: Sequence[Row], kind: str) -> dict[str, Any]:
    """Return how many failures in a row an image has, and since when; of a recovered one those
    before; pure."""
    rows = list(verdicts)
    if kind in ("recovered", "completed"):
        while rows and rows[0]["status"] == "completed":
            rows.pop(0)
    good = next((n for n, row in enumerate(rows) if row["status"] == "completed"), len(rows))
    failed = rows[:good]
    since = failed[-1]["end_time"] or failed[-1]["start_time"] if failed else None
    return {"count": len(failed), "since": since} if since else {}


def served(world: World, facts: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the image that is served, and its age in seconds; nothing for what is unnamed."""
    if planning.is_unnamed(facts):
        return {}
    wanted = ImageFilter(**{name: facts[name] for name in DIMENSIONS})
    rows = images.list_images(world.database, world.rules.projects().serving, wanted)
    found = [(row, each) for row in rows for each in choosing.usable_ids(row)]
    if not found:
        return {"serving": None}
    row, artifact = found[0]
    age = (now - row["built_at"]).total_seconds()
    return {"serving": redact.text(planning.one_line(artifact, 120)), "serving_age": max(age, 0)}
