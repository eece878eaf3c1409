"""Several threads' work done at once: who comes first does it for all who wait by then.

A commit costs the same for one delivery as for ten, so those that wait while one is under way share
the next. Nothing lies here unwatched: each item has a thread that waits for its answer, and what
waits in a worker that dies was never answered.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from receiver.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiting(Generic[Item, Result]):
    """One thread's item, and what came of it."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome: Result | Exception | None = None
        self.called = threading.Event()  # it has an outcome, or it is its turn to work


class Gathering(Generic[Item, Result]):
    """`work` takes at most `most` items and gives a result or an error for each.

    An item waits at most `patience` seconds for its turn. Who begins waits for as many items as
    there were last time, since their senders, answered just now, come again: as long as the work
    took last time, and at most `moment` seconds.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        most: int,
        patience: float,
        moment: float,
    ) -> None:
        self._work, self._most, self._patience, self._moment = work, most, patience, moment
        self._changed = threading.Condition()
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._busy = False
        self._expected = 1
        self._took = 0.0

    def do(self, item: Item) -> Result:
        """The result for this item, or its error; Unavailable where its turn does not come."""
        mine: _Waiting[Item, Result] = _Waiting(item)
        if not self._begins(mine):
            self._await(mine)
        if mine.outcome is None:
            self._lead()
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        assert mine.outcome is not None  # noqa: S101  # whoever works sets every outcome
        return mine.outcome

    def _begins(self, mine: _Waiting[Item, Result]) -> bool:
        """Stand in line; True where nobody works, so that it is ours to begin."""
        with self._changed:
            self._queue.append(mine)
            begins, self._busy = not self._busy, True
            if len(self._queue) >= self._expected:
                self._changed.notify()
        return begins

    def _await(self, mine: _Waiting[Item, Result]) -> None:
        """Wait to be called; whoever is at work has at most `patience` to come to us."""
        if mine.called.wait(self._patience):
            return
        with self._changed:
            if mine in self._queue and not mine.called.is_set():
                self._queue.remove(mine)
                raise Unavailable("The database did not answer in time.")
        mine.called.wait()  # it was taken just now: its outcome is on its way

    def _lead(self) -> None:
        """Do what waits, ours among it, then let the next in line work."""
        batch = self._gather()
        began = time.monotonic()
        try:
            outcomes = self._work([each.item for each in batch])
        except Exception as error:  # noqa: BLE001  # each waiting thread raises it as its own
            batch += self._rest()  # in vain this took its time: let nobody wait as long once more
            outcomes = [error] * len(batch)
        for each, outcome in zip(batch, outcomes, strict=True):
            each.outcome = outcome
        with self._changed:
            self._expected = min(len(batch) + len(self._queue), self._most)
            self._took = time.monotonic() - began
            following = self._queue[0] if self._queue else None
            self._busy = following is not None
            if following:
                following.called.set()
        for each in batch:
            each.called.set()

    def _gather(self) -> list[_Waiting[Item, Result]]:
        with self._changed:
            moment = min(self._took, self._moment)
            self._changed.wait_for(lambda: len(self._queue) >= self._expected, moment)
            return [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]

    def _rest(self) -> list[_Waiting[Item, Result]]:
        with self._changed:
            rest = list(self._queue)
            self._queue.clear()
            return rest
