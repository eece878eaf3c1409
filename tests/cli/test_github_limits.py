"""GitHub's rate limits: waited for as it asks, up to an end."""

import time

import pytest
import requests

from receiver.cli import github_api
from receiver.cli.github_api import GitHub, Owner, limited_seconds
from receiver.errors import Unavailable
from tests.support.github_api import TOKEN, StandIn, limited


def test_rate_limits_are_waited_for_as_github_asks(github: StandIn):
    waits: list[float] = []
    api = GitHub(github.url, TOKEN, wait=waits.append, say=lambda _: None)
    github.faults = [
        limited("You have exceeded a secondary rate limit.", retry_after="7"),
        limited("You have exceeded a secondary rate limit."),
        limited("API rate limit exceeded", 429, x_ratelimit_remaining="5"),
    ]
    assert len(api.hooks(Owner.repository("acme/images"))) == 2
    assert waits == [7.0, 120.0, 240.0]


def test_the_end_of_the_primary_limit_is_its_reset(github: StandIn):
    waits: list[float] = []
    api = GitHub(github.url, TOKEN, wait=waits.append, say=lambda _: None)
    soon, later = (str(int(time.time()) + seconds) for seconds in (60, 3_000))
    github.faults = [
        limited("API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset=soon)
    ]
    assert api.hooks(Owner.repository("acme/images"))
    (seconds,) = waits
    assert 0 < seconds <= 61
    github.faults = [
        limited("API rate limit exceeded", x_ratelimit_remaining="0", x_ratelimit_reset=later)
    ]
    with pytest.raises(Unavailable, match="run the command once more after that"):
        api.hooks(Owner.repository("acme/images"))
    assert waits == [seconds]


def test_a_limit_that_does_not_end_ends_the_command(github: StandIn):
    waits: list[float] = []
    api = GitHub(github.url, TOKEN, wait=waits.append, say=lambda _: None)
    github.faults = [limited("You have exceeded a secondary rate limit.")] * 9
    with pytest.raises(Unavailable):
        api.hooks(Owner.repository("acme/images"))
    assert len(github.requests) == github_api.TRIES


def test_a_missing_permission_is_no_rate_limit():
    answer = requests.Response()
    answer.status_code = 403
    answer._content = b'{"message": "Must have admin rights to Repository."}'
    answer.headers["x-ratelimit-remaining"] = "4999"
    assert limited_seconds(answer, 0, 0.0) is None
