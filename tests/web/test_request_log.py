"""One JSON line for each request, with its outcome and without its content."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from receiver import log
from receiver.config import Config
from tests.support.senders import envelope, post, sign, stage

Serve = Callable[[Config], FlaskClient]
COMMON = {"event", "level", "ts", "request_id", "method", "path", "status", "reason", "ms"}


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_line_of_a_delivery_has_its_outcome(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
):
    capsys.readouterr()
    answer = post(client, envelope(stage("Base")), message_id="msg_1")
    (line,) = lines(capsys)
    assert set(line) == COMMON | {"source", "sender", "delivery_id", "outcome", "builds"}
    assert line["delivery_id"] == answer.get_json()["id"]
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["source"], line["sender"], line["outcome"]) == ("milepost", "", "stored")
    assert (line["builds"], line["status"], line["reason"]) == (["core-1"], 202, None)


def test_line_of_a_refusal_has_its_reason(client: FlaskClient, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    body = orjson.dumps(envelope(stage("Base")))
    post(client, body, headers=sign(body + b" "))
    (line,) = lines(capsys)
    assert set(line) == COMMON | {"source", "sender"}
    assert (line["status"], line["reason"]) == (401, "unauthorized")


def test_a_line_holds_neither_query_nor_header(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
):
    capsys.readouterr()
    client.get("/builds?text=canary", headers={"User-Agent": "canary", "Referer": "canary"})
    (line,) = lines(capsys)
    assert set(line) == COMMON
    assert "canary" not in str(line)
    assert line["path"] == "/builds"


@pytest.mark.parametrize(
    ("header", "is_used"),
    [("0f8a2c-7b1e", True), ("a" * 101, False), ("short", False), ("with space", False)],
)
def test_a_trusted_proxys_request_id_is_used(
    serve: Serve, config: Config, capsys: pytest.CaptureFixture[str], header: str, is_used: bool
):
    client = serve(replace(config, trusted_proxies=(ip_network("127.0.0.1/32"),)))
    capsys.readouterr()
    answer = client.get("/builds", headers={"X-Request-ID": header})
    (line,) = lines(capsys)
    assert (answer.headers["X-Request-ID"] == header) is is_used
    assert line["request_id"] == answer.headers["X-Request-ID"]


def test_request_id_of_another_peer_is_ignored(client: FlaskClient):
    answer = client.get("/builds", headers={"X-Request-ID": "0f8a2c-7b1e"})
    assert answer.headers["X-Request-ID"] != "0f8a2c-7b1e"


def test_18_credential_in_a_query_is_logged_without_its_value(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
):
    capsys.readouterr()
    client.post("/webhooks/milepost?token=canary", data=b"{}", content_type="application/json")
    warning, line = lines(capsys)
    assert (warning["event"], warning["level"]) == ("credential in a query", "warning")
    assert warning["request_id"] == line["request_id"]
    assert "canary" not in str([warning, line])


@pytest.mark.parametrize(
    "told", ["构建", "\x9b31m \u202e", "\udcff of a file's name", 2**70, {1: 2}]
)
def test_a_line_is_of_ascii_whatever_it_tells(told: Any, capsys: pytest.CaptureFixture[str]):
    log.get().warning("told", told=told)
    text = capsys.readouterr().out
    assert text.isascii()
    line = json.loads(text)
    assert (line["event"], line["level"]) == ("told", "warning")
    assert line["told"] == (told if not isinstance(told, dict) else {"1": 2})


def test_lines_that_commands_turn_off_are_not_written(capsys: pytest.CaptureFixture[str]):
    logging.disable()
    log.get().error("told")
    logging.disable(logging.NOTSET)
    assert capsys.readouterr().out == ""


def test_lines_of_libraries_are_json():
    """In a process of its own: pytest has handlers there."""
    code = (
        "import logging; from receiver import log; log.configure();"
        "logging.getLogger('psycopg.pool').warning('gone: %s', 'x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"event": "gone: x", "level": "warning"}.items() <= orjson.loads(done.stdout).items()
    assert not done.stderr
