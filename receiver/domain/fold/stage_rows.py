"""The rows of one attempt's stages, opened and closed by its facts; pure. Rules 4, 5 and 7."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from receiver.domain.fold.events import RANKS, Fact
from receiver.domain.model import Failure
from receiver.domain.stages import clean


@dataclass(slots=True, eq=False)
class Row:
    """A stage's row while it is being folded. `opened` and `closed` are places in fold order."""

    fact: Fact
    opened: int
    start: datetime
    stage: str | None
    said_state: int | None
    label: str  # what makes two rows the same stage
    status: str = "started"
    end: datetime | None = None
    closed: int = -1
    failure: Failure | None = None
    warning: str | None = None

    @property
    def failed(self) -> bool:
        return self.status == "failed"


def verdict_of(facts: Sequence[Fact]) -> Fact | None:
    """The build event that decides: failed before cancelled before completed, then the first."""
    verdicts = [fact for fact in facts if fact.is_verdict]
    return max(verdicts, key=lambda fact: RANKS[fact.event.status or ""], default=None)


def rows_of(facts: Sequence[Fact]) -> list[Row]:
    """Open and close rows, reporter by reporter; `facts` are one attempt's, in fold order."""
    rows: list[Row] = []
    open_rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for place, fact in enumerate(facts):
        if fact.event.kind != "stage":
            continue
        mine = open_rows[fact.reporter]
        if fact.event.status == "started":
            if fact.is_hook:
                _close_all(mine, "completed", fact.event.at, place)
                mine.clear()
            rows.append(_open(fact, place))
            mine.append(rows[-1])
            continue
        row = _newest_open(mine, fact)
        if row is None:
            row = _open(fact, place)
            rows.append(row)
        else:
            mine.remove(row)
        _end(row, fact, place)
    return rows


def close_open(rows: Sequence[Row], status: str, at: datetime, place: int) -> list[Row]:
    """End what is still open with the attempt's verdict; gives the rows that it ended."""
    still = [row for row in rows if row.end is None]
    _close_all(still, status, at, place)
    return still


def unrecovered(rows: Sequence[Row]) -> list[Row]:
    """Failed rows without a later completed row of their stage, in fold order."""
    done: dict[str, int] = {}
    for row in rows:
        if row.status == "completed":
            done[row.label] = max(row.closed, done.get(row.label, -1))
    return [row for row in rows if row.failed and done.get(row.label, -1) <= row.closed]


def _open(fact: Fact, place: int) -> Row:
    event = fact.event
    label = _label(event.stage, event.state)
    return Row(fact, place, event.at, event.stage, event.state, label)


def _label(stage: str | None, state: int | None) -> str:
    """The cleaned name, or the number where none is."""
    return clean(stage) if stage else f"state {state}"


def _newest_open(mine: Sequence[Row], fact: Fact) -> Row | None:
    if fact.event.stage is None:
        return mine[-1] if mine else None
    label = clean(fact.event.stage)
    return next((row for row in reversed(mine) if row.label == label), None)


def _end(row: Row, fact: Fact, place: int) -> None:
    event = fact.event
    row.status = event.status or "completed"
    row.end, row.closed = max(row.start, event.at), place
    if event.state is not None:
        row.said_state = event.state
        row.label = _label(row.stage, event.state)
    row.failure = event.failure
    if row.failed and event.allowed:
        row.status = "completed"
    if row.status == "completed" and event.failure:
        row.warning, row.failure = event.failure.message, None


def _close_all(rows: Sequence[Row], status: str, at: datetime, place: int) -> None:
    for row in rows:
        row.status, row.end, row.closed = status, max(row.start, at), place
