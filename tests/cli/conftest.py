"""A receiver on a socket, for commands that talk to one, and a stand-in for GitHub."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.support.github_api import StandIn, serving
from tests.support.sockets import on_socket


@pytest.fixture
def address(filled: FlaskClient) -> Iterator[str]:
    """The URL of a receiver in this process, with a good and a failed build."""
    with on_socket(filled.application) as address:
        yield address


@pytest.fixture
def github() -> Iterator[StandIn]:
    """GitHub, with one webhook."""
    with serving(StandIn()) as stand_in:
        yield stand_in
