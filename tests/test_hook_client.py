"""What a hook sends, how often, and what it says when nobody listens."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from standardwebhooks import Webhook

from hooks import client
from hooks.__main__ import main
from receiver.sources.milepost import ENVELOPE
from tests.senders import BEARER, SECRET

URL = "https://milepost.example.com"
ROUTE = f"{URL}/webhooks/milepost"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_URL", URL)
    monkeypatch.setenv("MILEPOST_SECRET", SECRET)
    monkeypatch.setenv("MILEPOST_BUILD_NUMBER", "b-1")
    monkeypatch.setattr(client, "PAUSES", (0.0, 0.0, 0.0))
    for name in ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "CI_JOB_ID", "BUILD_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def receiver() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def takes(receiver: responses.RequestsMock) -> Callable[[], list[dict[str, Any]]]:
    receiver.add(responses.POST, ROUTE, json={"outcome": "stored"}, status=202)
    return lambda: [json.loads(call.request.body or b"") for call in receiver.calls]


@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        (["stage", "Harden"], {"kind": "stage", "stage": "Harden", "status": "started"}),
        (["stage", "Harden", "--state", "25"], {"state": 25}),
        (["stage", "Harden", "--status", "skipped"], {"status": "skipped"}),
        (["done", "--status", "success"], {"kind": "build", "status": "completed"}),
        (["done", "--status", "FAILURE"], {"kind": "build", "status": "failed"}),
        (["done", "--status", "canceled"], {"kind": "build", "status": "cancelled"}),
        (["done", "--status", "UNSTABLE"], {"kind": "build", "status": "completed"}),
        (["done", "--status", "timed_out"], {"kind": "build", "status": "failed"}),
        (["fail", "no route"], {"kind": "stage", "status": "failed"}),
        (["check"], {"kind": "heartbeat"}),
    ],
)
def test_a_command_is_one_event_that_the_receiver_takes(
    receiver: responses.RequestsMock, arguments: list[str], event: dict[str, Any]
):
    sent = takes(receiver)
    main(arguments)
    (document,) = sent()
    assert ENVELOPE.validate(document) == {}
    assert event.items() <= document["events"][0].items()


def test_a_failure_carries_its_text_and_component(receiver: responses.RequestsMock):
    sent = takes(receiver)
    main(["fail", "no route", "--component", "ansible", "--type", "provisioner"])
    failure = {"type": "provisioner", "message": "no route", "component": "ansible"}
    assert sent()[0]["events"][0]["failure"] == failure


def test_a_delivery_is_signed(receiver: responses.RequestsMock):
    takes(receiver)
    main(["stage", "Harden"])
    request = receiver.calls[0].request
    Webhook(SECRET).verify(request.body or b"", dict(request.headers))


def test_a_bearer_secret_goes_into_the_header(
    receiver: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MILEPOST_SECRET", BEARER)
    takes(receiver)
    main(["stage", "Harden"])
    headers = receiver.calls[0].request.headers
    assert headers["authorization"] == "Bearer " + BEARER.removeprefix("bearer:")
    assert "webhook-signature" not in headers


def test_one_id_over_all_tries(receiver: responses.RequestsMock):
    receiver.add(responses.POST, ROUTE, body=requests.ConnectionError())
    receiver.add(responses.POST, ROUTE, status=503)
    takes(receiver)
    main(["stage", "Harden", "--strict"])
    assert len(receiver.calls) == 3
    assert len({call.request.headers["webhook-id"] for call in receiver.calls}) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 409, 413, 422])
def test_what_is_refused_for_good_is_not_tried_again(
    receiver: responses.RequestsMock, capsys: pytest.CaptureFixture[str], status: int
):
    problem = {"detail": "Invalid delivery", "errors": {"build.number": ["Too long"]}}
    receiver.add(responses.POST, ROUTE, json=problem, status=status)
    with pytest.raises(SystemExit) as ended:
        main(["stage", "Harden"])
    assert ended.value.code == 0
    assert len(receiver.calls) == 1
    line = f"milepost: not reported: the receiver answers {status} Invalid delivery"
    assert capsys.readouterr().err == f"{line} build.number: Too long\n"


def test_a_silent_receiver_costs_the_budget_and_no_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import threading

    never = threading.Event()
    monkeypatch.setattr(client, "BUDGET_SECONDS", 0.05)
    monkeypatch.setattr(requests, "post", lambda *_, **__: never.wait(5))
    with pytest.raises(SystemExit) as ended:
        main(["stage", "Harden"])
    never.set()
    assert ended.value.code == 0
    assert "no answer within 0.05 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("MILEPOST_SECRET", "", "not reporting: set MILEPOST_SECRET"),
        ("MILEPOST_SECRET", "hunter2", "MILEPOST_SECRET must start with whsec_ or bearer:"),
        ("MILEPOST_URL", "", "not reporting: set MILEPOST_URL"),
        ("MILEPOST_BUILD_NUMBER", "a b", "MILEPOST_BUILD_NUMBER must be 1 to 200"),
        ("MILEPOST_RESUMED_FROM", "x", "MILEPOST_RESUMED_FROM must be a whole number"),
    ],
)
def test_a_wrong_setting_is_one_line_and_no_broken_build(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    line: str,
):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["stage", "Harden"])
    error = capsys.readouterr().err
    assert (ended.value.code, error.count("\n")) == (0, 1)
    assert line in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    "arguments",
    [["stage"], ["party"], ["stage", "x", "--state", "high"], ["done", "--status", "what"], []],
)
def test_a_wrong_argument_breaks_no_build(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert capsys.readouterr().err.startswith("milepost: not reporting: ")


def test_strict_is_an_exit_code(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MILEPOST_SECRET")
    for arguments in (["stage", "x", "--strict"], ["stage", "x"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 1
        monkeypatch.setenv("MILEPOST_STRICT", "1")


def test_under_the_wrapper_a_stage_is_a_marker(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MILEPOST_WRAPPED", "1")
    main(["stage", "Harden OS", "--state", "25"])
    main(["stage", "Harden OS"])
    marks = "milepost: stage 25 Harden OS\nmilepost: stage - Harden OS\n"
    assert capsys.readouterr().out == marks


def test_a_manifest_goes_as_it_is(receiver: responses.RequestsMock, tmp_path: Path):
    sent, path = takes(receiver), tmp_path / "m.json"
    path.write_text('{"builds": [], "last_run_uuid": "u"}')
    main(["manifest", str(path)])
    assert sent()[0]["manifest"] == {"builds": [], "last_run_uuid": "u"}


@pytest.mark.parametrize("text", ['{"builds": [', "[]", ""])
def test_a_torn_manifest_is_read_again_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
):
    monkeypatch.setattr("hooks.__main__.time.sleep", lambda _: None)
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(SystemExit):
        main(["manifest", str(path)])
    assert f"{path} holds no manifest" in capsys.readouterr().err


def test_check_shows_where_each_value_came_from_and_no_secret(
    receiver: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
):
    takes(receiver)
    main(["check", "--project", "core"])
    out = capsys.readouterr().out
    assert "core   (--project)" in out
    assert f"{URL}/builds/b-1" in out
    assert base64.b64decode(SECRET.removeprefix("whsec_")).decode() not in out
    assert SECRET not in out
