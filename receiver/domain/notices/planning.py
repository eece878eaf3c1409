"""Which notices tell a piece of news, whether it still holds, and when it goes out; pure.

Rows of builds have the columns of sql/queries/notices/read_builds.sql, open news those of
read_open.sql.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from receiver.domain import redact, windows
from receiver.domain.dimensions import UNKNOWN
from receiver.domain.failure_shapes import message_shape
from receiver.domain.model import DIMENSIONS, Json
from receiver.domain.notices.notice import DAY, Notice
from receiver.domain.unnamed import repository
from receiver.domain.windows import Window

Row = Mapping[str, Any]
LATE = timedelta(hours=1)
WAITING, HELD, DROPPED = "waiting", "held", "dropped"
BRANCHES = ("pull-request", "branch")  # why a build is nobody's news
FAILURES = ("failed", "lost")  # one kind of bad news
MAX_TEXT = 300
SILENT = timedelta(days=7)  # of a sender


@dataclass(frozen=True, slots=True)
class Project:
    """What holds for a project: its name and those above it, its owner and its hours."""

    names: tuple[str, ...] = ()
    owner: str | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that happened: its type, when, and the attempt of a build."""

    type: str
    at: datetime
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class News:
    """A piece of news for one notice; `key` makes sure that it is told once."""

    notice: str
    key: str
    type: str
    at: datetime
    window_at: datetime
    subject: str
    facts: Json
    is_late: bool = False
    status: str = WAITING
    reason: str | None = None
    build_id: UUID | None = None
    attempt: int | None = None
    project_id: UUID | None = None

    def row(self) -> Json:
        """Return its columns."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Batch:
    """News of one notice that go out as one message."""

    notice: Notice
    rows: Sequence[Row] = field(default_factory=list)
    is_late: bool = False


def of_build(
    cause: Cause,
    build: Row,
    project: Project,
    notices: Sequence[Notice],
    failing: Collection[tuple[str, str]],
    now: datetime,
) -> Iterator[News]:
    """Yield the news of a build's cause; `failing` are the notices and subjects of failures told.

    Only builds of served branches are news, and `recovered` goes only where `failed` went.
    """
    if build["doubt"] in BRANCHES or (cause.type == "completed" and build["doubt"] == "unstable"):
        return
    names = {name: build[name] for name in DIMENSIONS} | {"owner": project.owner}
    subject = subject_of(build)
    for notice in notices:
        if not notice.fits(names, project.names):
            continue
        types = [cause.type]
        if cause.type == "completed" and (notice.name, subject) in failing:
            types.insert(0, "recovered")
        for kind in types:
            if kind in notice.on:
                yield _news(kind, cause, build, project, notice, now)


def subject_of(build: Row) -> str:
    """Return the image of a build as one text; of an unnamed build, the build itself."""
    if is_unnamed(build):
        return f"build {build['build_number']}"
    return "/".join(build[name] or "-" for name in DIMENSIONS)


def is_unnamed(build: Row) -> bool:
    """Return whether nobody says what a build makes."""
    return UNKNOWN in (build["os_version"], build["image_type"])


def _news(
    kind: str, cause: Cause, build: Row, project: Project, notice: Notice, now: datetime
) -> News:
    subject, age = subject_of(build), now - cause.at
    reason = None
    if notice.is_muted(now):
        reason = "the notice is muted"
    elif age > DAY:
        reason = "older than a day"
    elif age > LATE and build["newer"]:
        reason = f"overtaken by {build['newer']}"
    return News(
        notice=notice.name,
        key=f"{kind}/{subject}/{build['id']}/{cause.attempt}",
        type=kind,
        at=cause.at,
        window_at=windows.period_of(build["began_at"], project.window).begin,
        subject=subject,
        facts=facts_of(build, project, now),
        is_late=age > LATE,
        status=DROPPED if reason else WAITING,
        reason=reason,
        build_id=build["id"],
        attempt=cause.attempt,
        project_id=build["project_id"],
    )


def facts_of(build: Row, project: Project, now: datetime) -> Json:
    """Return what a message says of a build, with everything that looks secret masked."""
    cause = redact.text(build["cause"] or "")
    facts = {
        **{name: build[name] for name in (*DIMENSIONS, "build_number", "status", "current_state")},
        "platform_name": build["platform_name"],
        "estimated": build["estimated"],
        "stage": one_line(build["stage"] or "", 120) or None,
        "component": build["component"] or build["stage"] or "build",
        "attempt": build["attempt"],
        "owner": project.owner,
        "repository": repository(build["run_url"], build["run_key"]),
        "window": windows.period_of(build["began_at"] or now, project.window).name,
    }
    masked: Json = redact.document(facts)
    # Masked as a whole: the text around a secret tells that it is one.
    return masked | {"cause": one_line(cause), "shape": message_shape(cause)}


def of_late_image(
    names: Mapping[str, str | None],
    told: Mapping[str, Any],
    project: Project,
    project_id: UUID | None,
    notices: Sequence[Notice],
    now: datetime,
) -> Iterator[News]:
    """Yield the news of a late image, once for each newest good build.

    `told` has the `reason`, the `build_number` of the newest build and `good_build`, or None.
    """
    subject = "/".join(names[name] or "-" for name in DIMENSIONS)
    facts = {
        **{name: names[name] for name in DIMENSIONS},
        **dict.fromkeys(("status", "current_state", "stage", "repository", "attempt")),
        "platform_name": names["platform"],
        "build_number": told["build_number"],
        "component": "image",
        "cause": one_line(told["reason"]),
        "shape": told["reason"],
        "estimated": False,
        "owner": project.owner,
    }
    for notice in notices:
        if "late" in notice.on and notice.fits({**names, "owner": project.owner}, project.names):
            yield News(
                notice=notice.name,
                key=f"late/{subject}/{told['good_build'] or ''}",
                type="late",
                at=now,
                window_at=windows.period_of(now, project.window).begin,
                subject=subject,
                facts=facts,
                status=DROPPED if notice.is_muted(now) else WAITING,
                reason="the notice is muted" if notice.is_muted(now) else None,
                project_id=project_id,
            )


def one_line(text: str, length: int = MAX_TEXT) -> str:
    """Return the first line of a text that says something, without control characters."""
    first = next((line for line in text.splitlines() if line.strip()), "").strip()
    shown = "".join(letter for letter in first if letter.isprintable())
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def review(row: Row, build: Row | None, notice: Notice | None, now: datetime) -> tuple[str, str]:
    """Return the status of open news by now, and why: waiting, held or dropped."""
    if notice is None or row["type"] not in notice.on:
        return DROPPED, "the notice is no longer in the file"
    if notice.is_muted(now):
        return DROPPED, "the notice is muted"
    if row["build_id"] is None:
        return WAITING, ""
    if build is None:
        return DROPPED, "the build was deleted"
    if now - row["created_at"] > DAY:
        return DROPPED, "older than a day"
    if row["type"] in FAILURES:
        return _review_failure(row, build)
    if row["type"] in ("completed", "recovered") and build["status"] != "completed":
        return DROPPED, f"the build is {build['status']} by now"
    if row["type"] == "overdue" and build["status"] not in ("running", "pending"):
        return DROPPED, f"the build is {build['status']} by now"
    return WAITING, ""


def _review_failure(row: Row, build: Row) -> tuple[str, str]:
    """Judge a failure by what its build and a newer one did since."""
    if build["newer_status"] == "completed":
        return DROPPED, f"the newer build {build['newer']} is good"
    if build["attempt"] == row["attempt"] and build["status"] == "failed":
        return WAITING, ""
    if build["status"] == "completed":
        return DROPPED, "a retry was good"
    if build["attempt"] == row["attempt"] and row["type"] == "lost":
        return WAITING, ""
    if build["status"] in ("pending", "running"):
        return HELD, "a retry runs"
    if build["status"] == "failed":
        return DROPPED, f"attempt {build['attempt']} failed too"
    return WAITING, ""


def is_silent(row: Row, now: datetime) -> bool:
    """Return whether a sender is silent for a week, and for twice as long as ever before.

    That is a guess: nobody says how often a sender builds. A monthly one is missed after two.
    """
    longest: timedelta = max(SILENT, 2 * row["longest_gap"])
    heard_at: datetime = row["last_heard_at"]
    return now - heard_at > longest


def kind_of(type_: str) -> str:
    """Return the kind of news: failed and lost are one."""
    return FAILURES[0] if type_ in FAILURES else type_


def due(
    waiting: Sequence[Row],
    notices: Sequence[Notice],
    told: Collection[tuple[str, datetime, str]],
    now: datetime,
) -> Iterator[Batch]:
    """Yield what goes out now. `told` are the notice, window and kind of what was told before.

    The first of a kind in a window goes at once, and takes along whatever waits. Others wait until
    the oldest has waited for `settle`, or their runs are over (`run_over`). What arrived late is a
    message of its own, and waits as well, for more of it follows. So is a digest.
    """
    for notice in notices:
        every = [row for row in waiting if row["notice"] == notice.name]
        yield from (Batch(notice, [row]) for row in every if row["type"] == "digest")
        rows = [row for row in every if row["type"] != "digest"]
        fresh = [row for row in rows if not row["is_late"]]
        late = [row for row in rows if row["is_late"]]
        is_first = any(
            (notice.name, row["window_at"], kind_of(row["type"])) not in told for row in fresh
        )
        is_over = bool(fresh) and all(row["run_over"] for row in fresh)
        if fresh and (is_first or is_over or _has_settled(fresh, notice, now)):
            yield Batch(notice, fresh)
        if late and _has_settled(late, notice, now):
            yield Batch(notice, late, is_late=True)


def _has_settled(rows: Sequence[Row], notice: Notice, now: datetime) -> bool:
    oldest: datetime = min(row["created_at"] for row in rows)
    return now - oldest >= notice.settle
