"""Several threads' work is done at once, and each gets its own answer."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from receiver.errors import Unavailable
from receiver.ingest.batching import Gathering


class Work:
    """Doubles numbers; holds the first batch until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(items))
        self.begun.set()
        self.go.wait(10)
        return [item * 2 if item >= 0 else ValueError(str(item)) for item in items]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def gathering(work: Work) -> Gathering[int, int]:
    return Gathering(work, most=4, patience=0.2, moment=0.01)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as pool:
        yield pool


def waiting(gathering: Gathering[int, int], count: int) -> None:
    """Until so many stand in line."""
    for _ in range(1000):
        if len(gathering._queue) == count:
            return
        threading.Event().wait(0.005)
    raise AssertionError(len(gathering._queue))


def test_what_waits_while_one_is_at_work_is_done_together(
    work: Work, gathering: Gathering[int, int], pool: ThreadPoolExecutor
):
    first = pool.submit(gathering.do, 1)
    work.begun.wait(10)
    others = [pool.submit(gathering.do, item) for item in (2, 3, 4)]
    waiting(gathering, 3)
    work.go.set()
    assert [first.result(), *(each.result() for each in others)] == [2, 4, 6, 8]
    assert [sorted(batch) for batch in work.batches] == [[1], [2, 3, 4]]


def test_a_batch_has_a_most_and_the_rest_is_the_next(
    work: Work, gathering: Gathering[int, int], pool: ThreadPoolExecutor
):
    first = pool.submit(gathering.do, 0)
    work.begun.wait(10)
    others = [pool.submit(gathering.do, item) for item in range(1, 7)]
    waiting(gathering, 6)
    work.go.set()
    assert sorted(each.result() for each in (first, *others)) == [0, 2, 4, 6, 8, 10, 12]
    assert [len(batch) for batch in work.batches] == [1, 4, 2]


def test_an_error_is_its_own_items_alone(
    work: Work, gathering: Gathering[int, int], pool: ThreadPoolExecutor
):
    work.go.set()
    done = {item: pool.submit(gathering.do, item) for item in (5, -1, 6)}
    assert (done[5].result(), done[6].result()) == (10, 12)
    with pytest.raises(ValueError, match="-1"):
        done[-1].result()


def test_an_error_of_the_work_is_everybodys(pool: ThreadPoolExecutor):
    def fail(items: Sequence[int]) -> Sequence[int | Exception]:
        raise Unavailable(f"{len(items)} cannot be done")

    gathering = Gathering[int, int](fail, most=4, patience=5, moment=0.01)
    for each in [pool.submit(gathering.do, item) for item in range(8)]:
        with pytest.raises(Unavailable):
            each.result()


def test_who_waits_too_long_leaves_and_nobody_behind_is_forgotten(
    work: Work, gathering: Gathering[int, int], pool: ThreadPoolExecutor
):
    first = pool.submit(gathering.do, 1)
    work.begun.wait(10)
    late = pool.submit(gathering.do, 2)
    with pytest.raises(Unavailable):
        late.result()
    after = pool.submit(gathering.do, 3)
    work.go.set()
    assert (first.result(), after.result()) == (2, 6)
    assert gathering.do(4) == 8


def test_ten_thousand_items_of_many_threads_are_each_done_once(pool: ThreadPoolExecutor):
    seen: list[int] = []

    def note(items: Sequence[int]) -> Sequence[int | Exception]:
        seen.extend(items)
        return list(items)

    gathering = Gathering[int, int](note, most=7, patience=30, moment=0.001)
    assert list(pool.map(gathering.do, range(10_000))) == list(range(10_000))
    assert sorted(seen) == list(range(10_000))
