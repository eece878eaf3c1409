"""Whether the judge of `make torture CLUSTER=1` would see what it looks for."""

from collections.abc import Iterator

import pytest

from tests.torture import cluster
from tests.torture.drills import Bound, Row
from tests.torture.gaps import Reader, first_after, longest, silence
from tests.torture.load import Load, Post, Try
from tests.torture.machine import NotRun


def tried(ended: float, answer: int | None, seconds: float = 0.5) -> Try:
    return Try("hook", "digest", ended, seconds, answer)


TRIES = [tried(1, 202), tried(2, 202), tried(4, 503), tried(8, 202), tried(9, 200)]


def test_the_longest_time_without_a_2xx_counts_from_the_fault_and_to_the_end():
    assert silence(TRIES, 2.5, 9) == 5.5
    assert silence(TRIES, 2.5, 30) == 21
    assert longest([], 3) == 0


def test_the_first_2xx_is_of_a_request_that_began_later():
    assert first_after(TRIES, 7.6) == pytest.approx(1.4)
    assert first_after(TRIES, 7.4) == pytest.approx(0.6)
    assert first_after(TRIES, 9) == float("inf")


def test_a_page_that_is_no_200_is_counted():
    reader = Reader("http://127.0.0.1:9")
    reader.answers = [(1.0, 200), (1.2, 503), (5.0, None), (7.5, 200)]
    assert reader.bad() == 2
    assert reader.gap() == 6.5


def test_a_bound_that_is_missed_is_shown_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def rows(*bounds: Bound) -> Iterator[Row]:
        yield Row("a drill", list(bounds), ["a note"])

    def away() -> Iterator[Row]:
        raise NotRun("there is no etcd")
        yield

    def broken() -> Iterator[Row]:
        raise AssertionError("not within 60 s")
        yield

    drills = {
        "good": lambda: rows(Bound("lost", 0, 0)),
        "bad": lambda: rows(Bound("lost", 1, 0)),
        "away": away,
        "broken": broken,
    }
    monkeypatch.setattr(cluster, "DRILLS", drills)
    assert cluster.main(["good", "away"]) == 0
    assert "there is no etcd" in capsys.readouterr().out
    assert cluster.main(["bad"]) == 1
    assert "MISSED   a drill\n           lost 1 NOT ≤ 0\n" in capsys.readouterr().out
    assert cluster.main(["broken"]) == 1
    assert "AssertionError: not within 60 s" in capsys.readouterr().out


def test_a_sender_that_never_repeats_tries_once():
    load = Load(["http://127.0.0.1:9"], once=frozenset({"github"}))
    post = Post("github", b"{}")
    load.offer("github", post)
    assert [each.answer for each in load.tries] == [None]
    assert load.acknowledged == {}
