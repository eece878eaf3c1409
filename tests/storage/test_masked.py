"""Messages are masked once, when they are written; older rows when they are read."""

import re
from collections.abc import Callable

import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.domain import redact
from tests.support.senders import envelope, post, stage

Token = Callable[..., str]
FAILURE = {"type": "t", "message": "login with password=hunter2 failed", "component": "c"}
SHOWN = "login with password=*** failed"
PATHS = ["/builds/core-1", "/failures", "/", "/api/v1/failures", "/api/v1/builds/core-1"]


@pytest.fixture(name="failed")
def _failed(client: FlaskClient) -> FlaskClient:
    build = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
    document = envelope(stage("Storage", "failed", 1, failure=FAILURE), build=build)
    assert post(client, document).status_code == 202
    return client


@pytest.mark.usefixtures("failed")
def test_message_is_stored_masked_beside_the_original(url: str):
    with psycopg.connect(url) as connection:
        for table in ("build_failures", "build_states"):
            rows = connection.execute(f"SELECT error_message, masked_message FROM {table}")
            assert rows.fetchall() == [(FAILURE["message"], SHOWN)]


def test_pages_mask_no_text_that_is_stored_masked(
    failed: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    searched: list[str] = []

    def search(match: re.Match[str]) -> str:
        searched.append(match[0])
        return "***"

    monkeypatch.setattr(redact, "_mask", search)
    for path in PATHS:
        page = failed.get(path).text
        assert SHOWN in page, path
    assert searched == []


def test_older_row_is_masked_when_it_is_read(failed: FlaskClient, url: str):
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE build_failures SET masked_message = NULL")
        connection.execute("UPDATE build_states SET masked_message = NULL")
    for path in PATHS:
        page = failed.get(path).text
        assert "hunter2" not in page
        assert SHOWN in page


def test_administrator_reads_the_original(failed: FlaskClient, token: Token):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    build = failed.get("/api/v1/builds/core-1", headers=headers).get_json()
    assert build["failures"][0]["error_message"] == FAILURE["message"]
    assert build["states"][0]["error_message"] == FAILURE["message"]
    assert "masked_message" not in build["failures"][0]
