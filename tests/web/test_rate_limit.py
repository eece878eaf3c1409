"""Wrong secrets and tokens are limited by address; valid ones are not, and memory is bounded."""

import re
from collections.abc import Callable
from dataclasses import replace

import orjson
import psycopg
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.config import Config
from receiver.web.rate_limit import LIMIT, MAX_ADDRESSES, RateLimit
from tests.support.senders import OTHER_SECRET, envelope, sign, stage

Serve = Callable[[Config], FlaskClient]


def test_many_wrong_signatures_are_429_and_a_valid_one_is_still_accepted(
    client: FlaskClient, url: str
):
    body = orjson.dumps(envelope(stage("Base")))

    def deliver(headers: dict[str, str], address: str = "10.9.9.9") -> TestResponse:
        return client.post(
            "/webhooks/milepost",
            data=body,
            headers=headers,
            content_type="application/json",
            environ_overrides={"REMOTE_ADDR": address},
        )

    wrong = [deliver(sign(body, OTHER_SECRET)) for _ in range(LIMIT + 1)]
    assert {each.status_code for each in wrong[:-1]} == {401}
    assert wrong[-1].status_code == 429
    assert 1 <= int(wrong[-1].headers["Retry-After"]) <= 60
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)
    assert deliver(sign(body)).status_code == 202
    assert deliver(sign(body, OTHER_SECRET), "10.9.9.8").status_code == 401


def test_wrong_tokens_are_limited_too(serve: Serve, config: Config, token: Callable[..., str]):
    client = serve(replace(config, public_read=False))
    wrong = {"Authorization": "Bearer mp_wrong"}
    assert {client.get("/builds", headers=wrong).status_code for _ in range(LIMIT)} == {401}
    assert client.get("/api/v1/builds", headers=wrong).status_code == 429
    page = client.get("/sign-in").text
    (csrf,) = re.findall(r'name="csrf" value="([^"]+)"', page)
    assert client.post("/sign-in", data={"csrf": csrf, "token": "mp_wrong"}).status_code == 429
    right = {"Authorization": f"Bearer {token('read')}"}
    assert client.get("/builds", headers=right).status_code == 200


def test_counts_end_after_a_minute_and_memory_is_bounded():
    now = [0.0]
    limit = RateLimit(lambda: now[0])
    for _ in range(LIMIT):
        assert limit.count("2001:db8::1") is None
    now[0] = 59.5
    assert limit.count("2001:db8::2") == 1  # one host has the whole network
    assert limit.count("2001:db8:1::1") is None
    for number in range(20_000):
        limit.count(f"10.0.{number // 250}.{number % 250}")
    assert len(limit._counts) <= MAX_ADDRESSES + 1
    now[0] = 60.0
    assert limit.count("2001:db8::1") is None
