"""Items of several threads share a run, and each thread gets its own result."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from receiver.errors import Unavailable
from receiver.ingest.batching import Batcher


class Doubling(Batcher[int, int]):
    """Doubles numbers; holds the first batch until it is let go."""

    size, wait, patience = 4, 0.01, 0.2

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def run(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(items))
        self.begun.set()
        self.go.wait(10)
        return [item * 2 if item >= 0 else ValueError(str(item)) for item in items]


@pytest.fixture
def batcher() -> Doubling:
    return Doubling()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as pool:
        yield pool


def waiting(batcher: Doubling, count: int) -> None:
    """Wait until the queue is so long."""
    for _ in range(1000):
        if len(batcher._queue) == count:
            return
        threading.Event().wait(0.005)
    raise AssertionError(len(batcher._queue))


def test_items_that_wait_during_a_run_share_the_next_one(
    batcher: Doubling, pool: ThreadPoolExecutor
):
    first = pool.submit(batcher.submit, 1)
    batcher.begun.wait(10)
    others = [pool.submit(batcher.submit, item) for item in (2, 3, 4)]
    waiting(batcher, 3)
    batcher.go.set()
    assert [first.result(), *(each.result() for each in others)] == [2, 4, 6, 8]
    assert [sorted(batch) for batch in batcher.batches] == [[1], [2, 3, 4]]


def test_a_batch_is_bounded_and_the_rest_is_the_next(batcher: Doubling, pool: ThreadPoolExecutor):
    first = pool.submit(batcher.submit, 0)
    batcher.begun.wait(10)
    others = [pool.submit(batcher.submit, item) for item in range(1, 7)]
    waiting(batcher, 6)
    batcher.go.set()
    assert sorted(each.result() for each in (first, *others)) == [0, 2, 4, 6, 8, 10, 12]
    assert [len(batch) for batch in batcher.batches] == [1, 4, 2]


def test_an_error_is_raised_for_its_own_item_alone(batcher: Doubling, pool: ThreadPoolExecutor):
    batcher.go.set()
    done = {item: pool.submit(batcher.submit, item) for item in (5, -1, 6)}
    assert (done[5].result(), done[6].result()) == (10, 12)
    with pytest.raises(ValueError, match="-1"):
        done[-1].result()


class Failing(Batcher[int, int]):
    """Fails at every batch."""

    size, wait, patience = 4, 0.01, 5

    def run(self, items: Sequence[int]) -> Sequence[int | Exception]:
        raise Unavailable(f"{len(items)} cannot be done")


def test_an_error_of_a_run_is_raised_for_each_item(pool: ThreadPoolExecutor):
    batcher = Failing()
    for each in [pool.submit(batcher.submit, item) for item in range(8)]:
        with pytest.raises(Unavailable):
            each.result()


def test_item_past_its_deadline_is_dropped_and_the_rest_still_run(
    batcher: Doubling, pool: ThreadPoolExecutor
):
    first = pool.submit(batcher.submit, 1)
    batcher.begun.wait(10)
    late = pool.submit(batcher.submit, 2)
    with pytest.raises(Unavailable):
        late.result()
    after = pool.submit(batcher.submit, 3)
    batcher.go.set()
    assert (first.result(), after.result()) == (2, 6)
    assert batcher.submit(4) == 8


class Noting(Batcher[int, int]):
    """Returns its items, and remembers them."""

    size, wait, patience = 7, 0.001, 30

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def run(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.seen.extend(items)
        return list(items)


def test_ten_thousand_items_of_many_threads_are_each_done_once(pool: ThreadPoolExecutor):
    batcher = Noting()
    assert list(pool.map(batcher.submit, range(10_000))) == list(range(10_000))
    assert sorted(batcher.seen) == list(range(10_000))
