"""Causes that come with time, once a minute: digests, and senders that fell silent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from receiver.domain.conditions import Limits
from receiver.domain.model import DIMENSIONS
from receiver.domain.notices import digest, planning
from receiver.domain.notices.digest import Found
from receiver.domain.notices.notice import DigestTime, Notice
from receiver.domain.notices.planning import Cause, News, Project
from receiver.domain.windows import period_of
from receiver.ingest.rules import Rules
from receiver.server.notice_evaluation import Projects, World, is_of_sender, of_sender, sender_name
from receiver.storage import notices as storage
from receiver.storage import overview
from receiver.storage.conditions import conditions
from receiver.storage.db import Connection, Row
from receiver.storage.expected_images import expected_images

SILENT = "silent-sender"
CONDITIONS = ("overdue", "lost")
KEPT = timedelta(days=180)
OLDEST_DIGEST = timedelta(hours=12)  # a receiver that was away for longer waits for the next


def note(world: World, limits: Limits, now: datetime) -> None:
    """Note what is due by now; nothing where another receiver evaluates."""
    due, found = _due_digests(world, now), {}
    if due:
        serving_of = world.rules.projects().serving
        found = overview.read_overview(world.database, serving_of, limits, now)
    with world.database.transaction() as connection:
        if not storage.try_lock(connection):
            return
        projects = Projects(connection, world.rules)
        news = _silent_senders(connection, world.rules, now)
        news += _conditions(connection, world.rules, projects, limits, now)
        news += _late_images(connection, world.rules, projects, limits, now)
        for notice in due:
            news += _digest(connection, notice, projects, found, world.url, now)
        storage.insert_news(connection, news, now)
        storage.prune(connection, now - KEPT)


def _due_digests(world: World, now: datetime) -> list[Notice]:
    """Return the notices whose digest is due; of a new one, note when its first will be."""
    wanted = [each for each in world.rules.notices().notices if each.digest]
    if not wanted:
        return []
    with world.database.transaction() as connection:
        known = storage.read_digests(connection)
        for notice in wanted:
            rule = str(notice.digest)
            if notice.digest and known.get(notice.name, {}).get("rule") != rule:
                storage.set_digest(connection, notice.name, rule, notice.digest.after(now))
    return [each for each in wanted if _is_due(each, known, now)]


def _is_due(notice: Notice, known: Mapping[str, Row], now: datetime) -> bool:
    row = known.get(notice.name)
    return bool(row and row["rule"] == str(notice.digest) and row["due_at"] <= now)


def _digest(
    connection: Connection,
    notice: Notice,
    projects: Projects,
    found: Row,
    url: str,
    now: datetime,
) -> list[News]:
    """Return the digest of a notice, and note when its next one is due; none where a receiver that
    was away, or another one, leaves nothing to tell."""
    row = storage.read_digests(connection).get(notice.name)
    if row is None or row["due_at"] > now or notice.digest is None:
        return []
    _set_next(connection, notice, notice.digest, now)
    if now - row["due_at"] > OLDEST_DIGEST or notice.is_muted(now):
        return []
    said = _found(notice, projects, found)
    facts = {
        "title": digest.title(said),
        "body": digest.body(said, projects.named, now, url),
    }
    window = period_of(row["due_at"])
    return [
        News(
            notice=notice.name,
            key=f"digest/{row['due_at'].isoformat()}",
            type="digest",
            at=row["due_at"],
            window_at=window.begin,
            subject="digest",
            facts=facts,
        )
    ]


def _set_next(
    connection: Connection, notice: Notice, digest_time: DigestTime, now: datetime
) -> None:
    storage.set_digest(connection, notice.name, str(digest_time), digest_time.after(now))


def _found(notice: Notice, projects: Projects, found: Row) -> Found:
    """Return what of the overview is of this notice."""

    def own(cells: Sequence[Row]) -> list[Row]:
        return [cell for cell in cells if _fits(notice, cell, projects.named(cell["project"]))]

    return Found(
        latest=own(found["latest"]),
        failed=own(found["failed"]),
        running=[cell for cell in own(found["running"]) if not cell["condition"]],
        slow=own([*found["overdue"], *found["stalled"]]),
        unnamed=found["unnamed"] if not notice.patterns else {},
        late={
            digest.name(row): f"is late: {row['reason']}" for row in own(found["expected"]["late"])
        },
    )


def _fits(notice: Notice, cell: Mapping[str, Any], project: Project) -> bool:
    names = {name: cell[name] for name in DIMENSIONS} | {"owner": project.owner}
    return notice.fits(names, project.names)


def _conditions(
    connection: Connection, rules: Rules, projects: Projects, limits: Limits, now: datetime
) -> list[News]:
    """Return news of running builds that are overdue or lost, once for each attempt."""
    notices = rules.notices().notices
    if not any({*CONDITIONS} & notice.on for notice in notices):
        return []
    judged = conditions(connection, limits, now).judged
    wanted = {each: found for each, found in judged.items() if found.condition in CONDITIONS}
    news: list[News] = []
    for build in storage.read_builds(connection, rules.projects().serving, wanted).values():
        found = wanted[build["id"]]
        cause = Cause(found.condition, now, build["attempt"])
        told = {**build, "cause": found.reason}
        news += planning.of_build(cause, told, projects.of(build["project_id"]), notices, (), now)
    return storage.unknown(connection, news)


def _late_images(
    connection: Connection, rules: Rules, projects: Projects, limits: Limits, now: datetime
) -> list[News]:
    """Return news of images that are late, once for each newest good build."""
    notices = rules.notices().notices
    if not any("late" in notice.on for notice in notices):
        return []
    serving_of, news = rules.projects().serving, list[News]()
    for image in expected_images(connection, serving_of, limits.expectation_of, now):
        if not image.lateness.is_late:
            continue
        told = {
            "reason": image.lateness.reason or "",
            "build_number": image.last_number,
            "good_build": image.good and image.good["build_number"],
        }
        name = image.names["project"]
        project, project_id = projects.named(name), projects.id_of(name)
        news += planning.of_late_image(image.names, told, project, project_id, notices, now)
    return storage.unknown(connection, news)


def _silent_senders(connection: Connection, rules: Rules, now: datetime) -> list[News]:
    """Return news of senders that were heard, and are silent for longer than ever."""
    notices = [each for each in rules.notices().notices if SILENT in each.on]
    if not notices:
        return []
    news = []
    for row in storage.read_silences(connection):
        sender = rules.sender(row["source"], row["sender"])
        if sender is None or sender.is_disabled or not planning.is_silent(row, now):
            continue
        since = row["last_heard_at"]
        facts = {"sender": sender_name(row), "since": f"{since:%Y-%m-%d}", "cause": None}
        for notice in notices:
            if is_of_sender(notice, SILENT, sender.projects):
                made = of_sender(notice, SILENT, now, facts, "", now)
                news.append(replace(made, key=f"{SILENT}/{facts['sender']}/{since.isoformat()}"))
    return news
