"""A receiver that the tests of one file share."""

from collections.abc import Iterator

import pytest

from tests.support.receivers import Running, started


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running
