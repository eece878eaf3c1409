"""What changed for images, noted in the transaction that changes it, for whoever is told of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from receiver.domain.delivery import Outcome
from receiver.domain.fold.fold import FOLD_VERSION
from receiver.domain.fold.projection import BuildRows
from receiver.domain.notices.causes import cause_of
from receiver.storage.db import Connection, Row, as_json, query

QUARANTINED = "quarantined"


def note(
    connection: Connection,
    noted: frozenset[str],
    builds: Sequence[Row],
    folded: Mapping[UUID, BuildRows],
    outcomes: Iterable[Outcome],
) -> None:
    """Note the causes of these kinds: new verdicts of locked builds, and quarantined deliveries.

    One statement, and none where nothing changed.
    """
    if not noted:
        return
    now = datetime.now(UTC)
    causes = [*_verdicts(builds, folded, now), *_quarantined(outcomes, now)]
    rows = [cause | {"id": uuid7()} for cause in causes if cause["type"] in noted]
    if rows:
        connection.execute(query("notice_causes/insert_causes"), {"rows": as_json(rows)})


def _verdicts(
    builds: Sequence[Row], folded: Mapping[UUID, BuildRows], now: datetime
) -> Iterator[Row]:
    """Yield those of builds; one that a newer release has folded is left to that release."""
    for build in builds:
        row = folded[build["id"]].build
        cause = cause_of(build, row)
        if cause and (build["fold_version"] or 0) <= FOLD_VERSION:
            at = min(row.end_time or now, now)
            yield {"type": cause, "at": at, "build_id": build["id"], "attempt": row.attempt}


def _quarantined(outcomes: Iterable[Outcome], now: datetime) -> Iterator[Row]:
    for outcome in outcomes:
        if outcome.kind == QUARANTINED:
            yield {"type": QUARANTINED, "at": now, "delivery_id": outcome.delivery_id}
