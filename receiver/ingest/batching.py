"""Share one commit between the deliveries that wait for one.

A commit costs the same for one delivery as for ten. Nothing lies in the queue unwatched: each
delivery has a thread that waits for its outcome, and what waits in a worker that dies was never
acknowledged.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from receiver.domain.delivery import Delivery, Outcome
from receiver.domain.stage_map import StageMap
from receiver.errors import Unavailable
from receiver.storage import record
from receiver.storage.db import WAIT_SECONDS, Database

BATCH_SIZE = 32  # deliveries in one transaction
LARGE_BODY = 2**20  # bytes
BATCH_WAIT_SECONDS = 0.03  # how long a leader waits for a batch as long as the last one

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiting(Generic[Item, Result]):
    """One thread's item, and its outcome once there is one."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome: Result | Exception | None = None
        self.called = threading.Event()  # it has an outcome, or its thread is the next leader


class Batcher(Generic[Item, Result]):
    """A queue of items; the thread that finds it idle leads, and runs a batch for all who wait.

    The leader waits until the queue is as long as the last batch, since the senders that were just
    answered come again: as long as the last run took, and at most `wait` seconds. An item waits at
    most `patience` seconds for its turn.
    """

    size = BATCH_SIZE
    wait = BATCH_WAIT_SECONDS
    patience = WAIT_SECONDS

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._busy = False
        self._expected = 1
        self._took = 0.0

    def run(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        """Return one result or error for each item, in order."""
        raise NotImplementedError

    def submit(self, item: Item) -> Result:
        """Return the result of this item, or raise its error. Raises Unavailable if its turn does
        not come in time."""
        mine: _Waiting[Item, Result] = _Waiting(item)
        if not self._enqueue(mine):
            self._await_turn(mine)
        if mine.outcome is None:
            self._lead()
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        assert mine.outcome is not None  # noqa: S101  # a leader sets every outcome of its batch
        return mine.outcome

    def _enqueue(self, mine: _Waiting[Item, Result]) -> bool:
        """Return True if nobody leads, so that this thread has to."""
        with self._changed:
            self._queue.append(mine)
            is_leader, self._busy = not self._busy, True
            if len(self._queue) >= self._expected:
                self._changed.notify()
        return is_leader

    def _await_turn(self, mine: _Waiting[Item, Result]) -> None:
        if mine.called.wait(self.patience):
            return
        with self._changed:
            if mine in self._queue and not mine.called.is_set():
                self._queue.remove(mine)
                raise Unavailable("The database did not answer in time.")
        mine.called.wait()  # it was taken into a batch just now

    def _lead(self) -> None:
        """Run a batch with our own item in it, then let the next in line lead."""
        batch = self._take_batch()
        began = time.monotonic()
        try:
            outcomes = self.run([each.item for each in batch])
        except Exception as error:  # noqa: BLE001  # each waiting thread raises it as its own
            batch += self._take_all()  # nobody shall wait as long in vain once more
            outcomes = [error] * len(batch)
        for each, outcome in zip(batch, outcomes, strict=True):
            each.outcome = outcome
        with self._changed:
            self._expected = min(len(batch) + len(self._queue), self.size)
            self._took = time.monotonic() - began
            following = self._queue[0] if self._queue else None
            self._busy = following is not None
            if following:
                following.called.set()
        for each in batch:
            each.called.set()

    def _take_batch(self) -> list[_Waiting[Item, Result]]:
        with self._changed:
            wait = min(self._took, self.wait)
            self._changed.wait_for(lambda: len(self._queue) >= self._expected, wait)
            return [self._queue.popleft() for _ in range(min(self.size, len(self._queue)))]

    def _take_all(self) -> list[_Waiting[Item, Result]]:
        with self._changed:
            rest = list(self._queue)
            self._queue.clear()
            return rest


class DeliveryBatcher(Batcher[Delivery, Outcome]):
    """Records deliveries, those that wait together in one transaction.

    Large ones go one after the other, since a statement holds a copy of each body.
    """

    def __init__(
        self,
        database: Database,
        stages: Callable[[], StageMap],
        noted: Callable[[], frozenset[str]],
    ) -> None:
        super().__init__()
        self._database, self._stages, self._noted = database, stages, noted
        self._large = threading.Lock()

    def submit(self, item: Delivery) -> Outcome:
        """Record a delivery. Return its outcome, or raise its error."""
        if len(item.request.body) <= LARGE_BODY:
            return super().submit(item)
        if not self._large.acquire(timeout=self.patience):
            raise Unavailable("The database did not answer in time.")
        try:
            (outcome,) = self.run([item])
        finally:
            self._large.release()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def run(self, items: Sequence[Delivery]) -> Sequence[Outcome | Exception]:
        """Record a batch."""
        return record.record_batch(self._database, items, self._stages(), self._noted())
