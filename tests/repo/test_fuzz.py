"""The short form of `make fuzz`: each target with its seeds, and with bytes like them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.__main__ import run

SHORT = settings(max_examples=200, deadline=None, derandomize=True)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_a_parser_takes_its_seeds(name: str):
    for seed in targets.seeds(name):
        targets.TARGETS[name](seed)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_a_parser_takes_any_bytes(name: str):
    seeds = targets.seeds(name)

    @SHORT
    @given(seed=st.sampled_from(seeds), place=st.integers(0, 2_000), more=st.binary(max_size=40))
    def tries(seed: bytes, place: int, more: bytes) -> None:
        targets.TARGETS[name](seed[:place] + more + seed[place + len(more) :])
        targets.TARGETS[name](b"\1" + more)

    tries()


def test_the_fuzzer_runs():
    code, count = run("cursor", 60, "-runs=2000", "-seed=1")
    assert (code, count) == (0, 2000)
