"""The parts of a drill of high availability: receivers that write, one that reads, a load, a line.

Two receivers write to whatever is the primary, under senders of which GitHub's never repeats; one
more serves pages from the standby.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.gaps import Background, Reader, Samples, first_after, silence
from tests.torture.load import Load
from tests.torture.machine import Receiver, pause
from tests.torture.verdicts import read_inbox

WARM_UP_SECONDS, AFTER_SECONDS, SETTLE_SECONDS = 4.0, 5.0, 90.0
LOAD_PAUSE_SECONDS = 0.1
ONCE = frozenset({"github"})


@dataclass(frozen=True)
class Bound:
    """What a row of the table promises: a name, what was seen, and the most that is allowed."""

    name: str
    seen: float
    most: float
    unit: str = ""

    @property
    def is_kept(self) -> bool:
        return self.seen <= self.most

    def __str__(self) -> str:
        sign = "≤" if self.is_kept else "NOT ≤"
        return f"{self.name} {self.seen:.3g}{self.unit} {sign} {self.most:g}{self.unit}"


@dataclass
class Row:
    """One line of the table; `not_run` says why there is none."""

    name: str
    bounds: list[Bound] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_run: str = ""
    problem: str = ""  # why it has no figures

    @property
    def is_kept(self) -> bool:
        return not self.problem and all(each.is_kept for each in self.bounds)


@dataclass
class Stage:
    """What a drill acts on, and what it measures. `url` names every host, for whoever writes."""

    url: str
    writers: list[Receiver]
    reader: Receiver
    load: Load
    pages: Reader
    writer_pages: Reader
    samples: Samples
    broke: float = 0.0  # when the fault happened
    healed: float = 0.0  # when the database was whole again, as far as the drill knows

    def breaks(self) -> None:
        """Begin to measure how long nothing is taken."""
        self.broke = time.monotonic()

    def heals(self) -> None:
        """Begin to measure how soon the first delivery is taken."""
        self.healed = time.monotonic()


@contextmanager
def staged(write_url: str, read_url: str, ask: Callable[[], int] = lambda: 0) -> Iterator[Stage]:
    """Yield two receivers that write and one that reads, none of them under load yet."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="milepost-drill-")))
        folder.chmod(0o755)
        urls = (write_url, write_url, read_url)
        receivers = [Receiver(folder / f"receiver {n}", url) for n, url in enumerate(urls)]
        for each in receivers:
            stack.callback(each.stop)
            each.start()
        *writers, reader = receivers
        load = Load([each.url for each in writers], LOAD_PAUSE_SECONDS, once=ONCE)
        pages, others = Reader(reader.url), Reader(writers[0].url)
        yield Stage(write_url, writers, reader, load, pages, others, Samples(ask))


def under_load(stage: Stage, act: Callable[[Stage], None], mend: Callable[[], None]) -> None:
    """Act under load; wait until every sender that repeats has been answered. `mend` ends what
    would keep the database from answering questions, such as a server that hangs."""
    watching = Background(stage.pages.read, stage.writer_pages.read, stage.samples.read)
    with watching:
        stage.load.start()
        try:
            pause(WARM_UP_SECONDS)
            act(stage)
            pause(AFTER_SECONDS)
        finally:
            stage.load.finish(SETTLE_SECONDS)
            mend()


def count(stage: Stage) -> tuple[list[Bound], str]:
    """Return the bounds of every drill: nothing lost, nothing twice, no page of a reader fails; and
    a note with the numbers."""
    load = stage.load
    inbox = read_inbox(stage.url, load.offered)
    lost = load.acknowledged.keys() - inbox.counts.keys()
    twice = sum(number - 1 for number in inbox.counts.values())
    refused = [each for each in load.tries if each.sender in ONCE and each.answer != 202]
    wrong = {each.problem for each in load.tries if each.answer and each.problem}
    untaken = [
        digest
        for digest in load.offered.keys() - load.acknowledged.keys()
        if load.offered[digest].source not in ONCE
    ]
    note = f"{len(load.acknowledged)} taken, {len(refused)} of GitHub's refused"
    return [
        Bound("lost", len(lost), 0),
        Bound("twice", twice, 0),
        Bound("never taken", len(untaken), 0),
        Bound("wrong answers", len(wrong), 0),
        Bound("bad pages of the reader", stage.pages.bad(), 0),
    ], ", ".join([note, *sorted(wrong)])


def gap(stage: Stage, most: float) -> Bound:
    """Return the longest time without a 2xx since the fault."""
    end = max(each.ended for each in stage.load.tries)
    return Bound("without a 2xx", silence(stage.load.tries, stage.broke, end), most, " s")


def first(stage: Stage, most: float) -> Bound:
    """Return how soon the first delivery was taken after the database was whole again."""
    return Bound("first 2xx after", first_after(stage.load.tries, stage.healed), most, " s")


def table(rows: list[Row]) -> str:
    """Return the table: a line for each drill, and below it what was promised and what was seen."""
    return "\n".join(line for each in rows for line in _lines(each))


def _lines(row: Row) -> list[str]:
    if row.not_run:
        return [f"not run  {row.name}: {row.not_run}"]
    details = [*map(str, row.bounds), *row.notes, *([row.problem] if row.problem else [])]
    word = "kept   " if row.is_kept else "MISSED "
    return [f"{word}  {row.name}", *(f"           {each}" for each in details)]
