"""News for notices, from its cause to the messages in the outbox. What is decided of it is pure:
receiver/domain/notices/."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.domain.model import Json
from receiver.domain.notices.notice import Notice, Target
from receiver.domain.notices.planning import News
from receiver.storage.db import Connection, Row, array, as_json, query
from receiver.storage.serving import ServingOf, rules

LOCK = 0x6E6F7469  # "noti": any number that nobody else uses
MANY = 500  # causes, or open news, at a time


@dataclass(frozen=True, slots=True)
class Told:
    """What a batch of news says: a title, a text, and the JSON for programs."""

    title: str
    body: str
    document: Json


def try_lock(connection: Connection) -> bool:
    """Return whether this transaction is the one that evaluates notices now."""
    row = connection.execute(query("notices/try_lock"), {"key": LOCK}).fetchone()
    return bool(row and row["locked"])


def take_causes(connection: Connection) -> list[Row]:
    """Take the oldest causes away: type, at, build_id, attempt; of a quarantined delivery its
    source, sender and reason."""
    return connection.execute(query("notices/take_causes"), {"limit": MANY}).fetchall()


def read_builds(
    connection: Connection, serving_of: ServingOf, build_ids: Iterable[UUID]
) -> dict[UUID, Row]:
    """Return builds by their ids, as notices tell of them."""
    ids = sorted(set(build_ids))
    if not ids:
        return {}
    held = as_json(rules(connection, serving_of))
    parameters = {"build_ids": array(ids), "rules": held}
    rows = connection.execute(query("notices/read_builds"), parameters).fetchall()
    return {row["id"]: row for row in rows}


def read_streaks(
    connection: Connection, serving_of: ServingOf, build_ids: Sequence[UUID]
) -> dict[UUID, list[Row]]:
    """Return the newest verdicts of the image of each build, newest first."""
    streaks: dict[UUID, list[Row]] = {each: [] for each in build_ids}
    if build_ids:
        held = as_json(rules(connection, serving_of))
        parameters = {"build_ids": array(build_ids), "rules": held}
        for row in connection.execute(query("notices/read_streaks"), parameters).fetchall():
            streaks[row["of_build"]].append(row)
    return streaks


def insert_news(connection: Connection, news: Sequence[News], now: datetime) -> None:
    """Insert news; what was told, or waits, is no news."""
    first: dict[tuple[str, str], News] = {}
    for each in news:
        first.setdefault((each.notice, each.key), each)
    rows = [one.row() | {"id": uuid7()} for one in first.values()]
    if rows:
        parameters = {"rows": as_json(rows), "now": now}
        connection.execute(query("notices/insert_news"), parameters)


def unknown(connection: Connection, news: Sequence[News]) -> list[News]:
    """Return the news that is not known yet, whatever became of it: what comes with time comes
    again each minute."""
    keys = sorted({each.key for each in news})
    if not keys:
        return []
    rows = connection.execute(query("notices/known_keys"), {"keys": keys}).fetchall()
    known = {(row["notice"], row["key"]) for row in rows}
    return [each for each in news if (each.notice, each.key) not in known]


def read_failing(connection: Connection, subjects: Iterable[str]) -> set[tuple[str, str]]:
    """Return the notices and subjects of which a failure was told and no recovery since."""
    wanted = sorted(set(subjects))
    if not wanted:
        return set()
    rows = connection.execute(query("notices/read_failing"), {"subjects": wanted}).fetchall()
    return {(row["notice"], row["subject"]) for row in rows}


def read_open(connection: Connection) -> list[Row]:
    """Return the news that is not told yet, the oldest first."""
    return connection.execute(query("notices/read_open"), {"limit": MANY}).fetchall()


def update_news(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Note the `status` of open news, and its `reason`, by its `id`."""
    if rows:
        connection.execute(query("notices/update_news"), {"rows": as_json(rows)})


def read_told(connection: Connection, waiting: Sequence[Row]) -> set[tuple[str, datetime, str]]:
    """Return the notice, window and type of what was told in the windows of this news."""
    if not waiting:
        return set()
    parameters = {
        "notices": sorted({row["notice"] for row in waiting}),
        "windows": sorted({row["window_at"] for row in waiting}),
    }
    rows = connection.execute(query("notices/read_told"), parameters).fetchall()
    return {(row["notice"], row["window_at"], row["type"]) for row in rows}


def tell(
    connection: Connection, notice: Notice, ids: Sequence[UUID], told: Told, now: datetime
) -> bool:
    """Put a message for each address into the outbox, and mark its news as told.

    Return False, and do nothing, where some of the news was told or dropped meanwhile.
    """
    batch_id = uuid7()
    parameters = {"batch_id": batch_id, "ids": array(ids)}
    marked = connection.execute(query("notices/mark_told"), parameters).fetchall()
    if not marked:
        return False
    _insert_messages(connection, notice.name, batch_id, notice.targets, told, now)
    return True


def _insert_messages(
    connection: Connection,
    name: str,
    batch_id: UUID,
    targets: Sequence[Target],
    told: Told,
    now: datetime,
) -> None:
    rows = [{"id": uuid7(), "target_kind": each.kind, "target_key": each.key} for each in targets]
    parameters = {
        "batch_id": batch_id,
        "notice": name,
        "title": told.title,
        "body": told.body,
        "document": as_json(told.document),
        "now": now,
        "targets": as_json(rows),
    }
    connection.execute(query("notices/insert_messages"), parameters)


def claim_messages(connection: Connection, now: datetime, until: datetime, each: int) -> list[Row]:
    """Claim messages that are due, at most `each` of an address: nobody else sends them before
    `until`."""
    parameters = {"now": now, "until": until, "each": each}
    return connection.execute(query("notices/claim_messages"), parameters).fetchall()


def note_try(connection: Connection, message_id: UUID, outcome: Mapping[str, object]) -> None:
    """Note what became of a try: tried (0 or 1), sent_at, given_up_at, next_at, problem."""
    connection.execute(query("notices/note_try"), {"id": message_id} | dict(outcome))


def read_digests(connection: Connection) -> dict[str, Row]:
    """Return by notice when its next digest is due: rule, due_at."""
    rows = connection.execute(query("notices/read_digest")).fetchall()
    return {row["notice"]: row for row in rows}


def set_digest(connection: Connection, notice: str, rule: str, due_at: datetime) -> None:
    """Note when the next digest of a notice is due."""
    parameters = {"notice": notice, "rule": rule, "due_at": due_at}
    connection.execute(query("notices/set_digest"), parameters)


def prune(connection: Connection, before: datetime) -> None:
    """Delete news from before a time, some at a time."""
    connection.execute(query("notices/prune_notices"), {"before": before})


def read_silences(connection: Connection) -> list[Row]:
    """Return every sender with its last_heard_at and the longest_gap between its deliveries."""
    return connection.execute(query("notices/silences")).fetchall()
