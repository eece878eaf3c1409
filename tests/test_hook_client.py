"""What a hook sends, how often, and what it says when nobody listens."""

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from standardwebhooks import Webhook

from hooks import ci, client, signing
from hooks.__main__ import main, read_manifest
from hooks.client import Clock, Deadline
from hooks.errors import HookError
from receiver.sources.milepost import ENVELOPE
from tests.senders import BEARER, OTHER_SECRET, SECRET

URL = "https://milepost.example.com"
ROUTE = f"{URL}/webhooks/milepost"
SETTINGS = {
    "MILEPOST_URL": URL,
    "MILEPOST_SECRET": SECRET,
    "MILEPOST_BUILD_NUMBER": "b-1",
}
DOCUMENT = client.envelope(ci.identity({}, SETTINGS), [{"kind": "heartbeat", "at": client.now()}])


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    forges = ("GITHUB_", "CI_", "BUILD_", "JOB_", "PACKER_", "GITLAB_", "RUNNER_", "GIT_")
    for name in [name for name in os.environ if name.startswith(forges)]:
        monkeypatch.delenv(name)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def receiver() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def takes(receiver: responses.RequestsMock, url: str = ROUTE) -> Callable[[], list[dict[str, Any]]]:
    receiver.add(responses.POST, url, json={"outcome": "stored"}, status=202)
    return lambda: [json.loads(call.request.body or b"") for call in receiver.calls]


def sent_headers(receiver: responses.RequestsMock, name: str) -> list[str | None]:
    return [call.request.headers.get(name) for call in receiver.calls]


def exit_code(arguments: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        (["stage", "Harden"], {"kind": "stage", "stage": "Harden", "status": "started"}),
        (["stage", "Harden", "--state", "25"], {"state": 25}),
        (["stage", "Harden", "--state", "0"], {"state": 0}),
        (["stage", "Harden", "--status", "skipped"], {"status": "skipped"}),
        (["fail", "no route"], {"kind": "stage", "status": "failed"}),
        (["fail", "no route", "--stage", "Network"], {"stage": "Network", "status": "failed"}),
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


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("success SUCCESS passed completed UNSTABLE neutral", "completed"),
        ("failure failed FAILURE timed_out startup_failure stale", "failed"),
        ("cancelled canceled ABORTED NOT_BUILT skipped", "cancelled"),
    ],
)
def test_a_verdict_is_told_in_any_forges_words(
    receiver: responses.RequestsMock, words: str, status: str
):
    sent = takes(receiver)
    for word in words.split():
        main(["done", "--status", word])
    assert [document["events"][0]["status"] for document in sent()] == [status] * len(words.split())
    assert all(ENVELOPE.validate(document) == {} for document in sent())


def test_a_word_that_says_more_than_ours_is_kept(receiver: responses.RequestsMock):
    sent = takes(receiver)
    main(["done", "--status", "UNSTABLE"])
    assert sent()[0]["events"][0]["failure"]["message"] == "The CI's own word: unstable"


def test_a_failure_carries_its_text_and_component(receiver: responses.RequestsMock):
    sent = takes(receiver)
    main(["fail", "no route", "--component", "ansible", "--type", "provisioner"])
    failure = {"type": "provisioner", "message": "no route", "component": "ansible"}
    assert sent()[0]["events"][0]["failure"] == failure


def test_every_identity_flag_is_sent(receiver: responses.RequestsMock):
    sent = takes(receiver)
    said = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "hana"}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in said.items()]
    more = ["--build-number=n", "--created-by=ada", "--run-key=k", "--attempt=2"]
    main(["stage", "x", *flags, *more, "--resumed-from=25"])
    (document,) = sent()
    assert document["build"] == {"number": "n", "created_by": "ada", **said}
    assert document["run"].items() >= {"key": "k", "attempt": 2, "resumed_from": 25}.items()


def test_a_delivery_is_signed_with_the_first_secret(
    receiver: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MILEPOST_SECRET", f"{SECRET}\n{OTHER_SECRET}\n")
    takes(receiver)
    main(["stage", "Härten"])
    request = receiver.calls[0].request
    Webhook(SECRET).verify(request.body or b"", dict(request.headers))
    assert request.headers["user-agent"] == "milepost-hook/0.1.0"
    assert request.headers["content-type"] == "application/json"


def test_a_bearer_secret_goes_into_the_header_whatever_netrc_says(
    receiver: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MILEPOST_SECRET", BEARER)
    takes(receiver)
    main(["stage", "Harden"])
    headers = receiver.calls[0].request.headers
    assert headers["authorization"] == "Bearer " + BEARER.removeprefix("bearer:")
    assert "webhook-signature" not in headers


@pytest.mark.parametrize(
    ("url", "route"),
    [
        (f"{URL}/", ROUTE),
        (f"{URL}/milepost", f"{URL}/milepost/webhooks/milepost"),
        (f"{ROUTE}/team-a", f"{ROUTE}/team-a"),
        (f" {ROUTE}/ ", ROUTE),
    ],
)
def test_the_url_may_name_the_sender(url: str, route: str):
    assert client.address({"MILEPOST_URL": url}) == route


def test_one_id_and_a_fresh_signature_over_all_tries(receiver: responses.RequestsMock):
    receiver.add(responses.POST, ROUTE, body=requests.ConnectionError())
    receiver.add(responses.POST, ROUTE, status=503)
    takes(receiver)
    watch = Watch()
    answer = client.send(DOCUMENT, SETTINGS, Deadline(clock=watch.clock))
    assert answer == {"outcome": "stored"}
    assert watch.slept == [0.5, 1.0]
    assert len(set(sent_headers(receiver, "webhook-id"))) == 1
    times = sent_headers(receiver, "webhook-timestamp")
    assert times == ["1800000000", "1800000000", "1800000001"]
    assert len(set(sent_headers(receiver, "webhook-signature"))) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_tries_end_with_the_budget(receiver: responses.RequestsMock, status: int):
    receiver.add(responses.POST, ROUTE, status=status)
    watch = Watch()
    with pytest.raises(HookError, match=f"not reported: the receiver answers {status}"):
        client.send(DOCUMENT, SETTINGS, Deadline(clock=watch.clock))
    assert len(receiver.calls) == 5
    assert sum(watch.slept) < 10


@pytest.mark.parametrize(("wait", "slept"), [("3", [3.0]), ("60", []), ("soon", [0.5])])
def test_retry_after_is_kept_within_the_budget(
    receiver: responses.RequestsMock, wait: str, slept: list[float]
):
    receiver.add(responses.POST, ROUTE, status=503, headers={"Retry-After": wait})
    takes(receiver)
    watch = Watch()
    try:
        client.send(DOCUMENT, SETTINGS, Deadline(clock=watch.clock))
    except HookError:
        assert slept == []
    assert watch.slept == slept


def test_a_silent_receiver_costs_the_budget_and_no_more():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {**SETTINGS, "MILEPOST_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with pytest.raises(HookError, match="not reported: no answer"):
            client.send(DOCUMENT, env, Deadline(0.2))


@pytest.mark.parametrize("status", [400, 401, 404, 409, 413, 422])
def test_what_is_refused_for_good_is_not_tried_again(
    receiver: responses.RequestsMock, capsys: pytest.CaptureFixture[str], status: int
):
    problem = {"detail": "Invalid delivery", "errors": {"build.number": ["Too long"]}}
    receiver.add(responses.POST, ROUTE, json=problem, status=status)
    assert exit_code(["stage", "Harden"]) == 0
    assert len(receiver.calls) == 1
    line = f"milepost: not reported: the receiver answers {status} Invalid delivery"
    assert capsys.readouterr().err == f"{line} build.number: Too long\n"


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_has_taken_nothing_and_is_not_followed(
    receiver: responses.RequestsMock, status: int
):
    receiver.add(responses.POST, ROUTE, status=status, headers={"Location": "https://x.example"})
    with pytest.raises(HookError, match=f"not reported: the receiver answers {status}"):
        client.send(DOCUMENT, SETTINGS)
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b'{"errors": 5, "detail": null}'])
def test_any_answer_is_one_line(
    receiver: responses.RequestsMock, capsys: pytest.CaptureFixture[str], body: bytes
):
    receiver.add(responses.POST, ROUTE, body=body, status=400)
    assert exit_code(["stage", "Harden"]) == 0
    assert capsys.readouterr().err == "milepost: not reported: the receiver answers 400\n"


@pytest.mark.parametrize("url", ["milepost.example.com", "ftp://x", "http://", "http://[::1"])
def test_a_wrong_url_is_not_tried_again(url: str, monkeypatch: pytest.MonkeyPatch):
    watch = Watch()
    with pytest.raises((HookError, ValueError)):
        client.send(DOCUMENT, {**SETTINGS, "MILEPOST_URL": url}, Deadline(clock=watch.clock))
    assert watch.slept == []
    monkeypatch.setenv("MILEPOST_URL", url)
    assert exit_code(["stage", "x"]) == 0


def test_what_is_too_large_is_not_sent(receiver: responses.RequestsMock, tmp_path: Path):
    takes(receiver)
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"builds": ["x" * client.MAX_BODY]}))
    assert exit_code(["manifest", str(path), "--strict"]) == 1
    assert len(receiver.calls) == 0


def test_arguments_that_are_no_text_are_sent_as_well_as_can_be(receiver: responses.RequestsMock):
    sent = takes(receiver)
    main(["stage", os.fsdecode(b"caf\xe9")])
    assert sent()[0]["events"][0]["stage"] == "caf?"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("MILEPOST_SECRET", "", "set MILEPOST_SECRET"),
        ("MILEPOST_SECRET", "hunter2", "MILEPOST_SECRET must be whsec_ and base64, or bearer:"),
        ("MILEPOST_SECRET", "whsec_hunter2-", "MILEPOST_SECRET must be whsec_ and base64"),
        ("MILEPOST_SECRET", "whsec_hunter2hunter", "MILEPOST_SECRET must be whsec_ and base64"),
        ("MILEPOST_SECRET", "bearer:", "MILEPOST_SECRET must be whsec_ and base64, or bearer:"),
        ("MILEPOST_SECRET", "bearer:hunter2é", "MILEPOST_SECRET must be whsec_ and base64, or"),
        ("MILEPOST_URL", "", "set MILEPOST_URL"),
        ("MILEPOST_BUILD_NUMBER", "a b", "MILEPOST_BUILD_NUMBER must be 1 to 200"),
        ("MILEPOST_BUILD_NUMBER", "", "set MILEPOST_BUILD_NUMBER"),
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
    assert exit_code(["stage", "Harden"]) == 0
    error = capsys.readouterr().err
    assert error.startswith(f"milepost: not reporting: {line}")
    assert error.count("\n") == 1
    assert "hunter2" not in error


@pytest.mark.parametrize("padding", ["", "=", "=="])
def test_a_secret_may_lack_its_padding(padding: str):
    key = base64.b64encode(b"a test secret of 31 bytes, no m").decode().rstrip("=")
    secret = signing.secret_of({"MILEPOST_SECRET": f"whsec_{key}{padding}"})
    headers = signing.sign(secret, "msg_1", 1_800_000_000, b"{}")
    assert headers == signing.sign(f"whsec_{key}=", "msg_1", 1_800_000_000, b"{}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["stage"],
        ["party"],
        ["stage", "x", "--state", "high"],
        ["stage", "x", "--state", "101"],
        ["stage", "x", "--state", "-1"],
        ["stage", "x", "--nonsense"],
        ["done"],
        ["done", "--status", "what"],
        ["manifest", "/nowhere/m.json"],
        ["--strikt"],
    ],
)
def test_a_wrong_argument_breaks_no_build(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert exit_code(arguments) == 0
    assert capsys.readouterr().err.startswith("milepost: ")
    assert exit_code([*arguments, "--strict"]) == 1


def test_without_a_command_it_shows_how_it_is_used(capsys: pytest.CaptureFixture[str]):
    assert exit_code([]) == 2
    assert "usage: milepost-hook" in capsys.readouterr().err
    assert exit_code(["stage", "--help"]) == 0


def test_strict_is_an_exit_code(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MILEPOST_SECRET")
    assert exit_code(["stage", "x", "--strict"]) == 1
    monkeypatch.setenv("MILEPOST_STRICT", "0")
    assert exit_code(["stage", "x"]) == 0
    monkeypatch.setenv("MILEPOST_STRICT", "1")
    assert exit_code(["stage", "x"]) == 1


def test_without_requests_the_build_goes_on(tmp_path: Path):
    (tmp_path / "requests.py").write_text("raise ImportError('gone', name='requests')")
    root = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "hooks", "stage", "x"],
        env={**SETTINGS, "PYTHONPATH": f"{tmp_path}:{root}"},
        text=True,
        capture_output=True,
        check=False,
    )
    line = "milepost: not reporting: ImportError requests\n"
    assert (done.returncode, done.stderr) == (0, line)


def test_under_the_wrapper_a_stage_is_a_marker(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MILEPOST_WRAPPED", "1")
    main(["stage", "Harden OS", "--state", "25"])
    main(["stage", "Harden\nOS"])
    marks = "milepost: stage 25 Harden OS\nmilepost: stage - Harden OS\n"
    assert capsys.readouterr().out == marks
    assert exit_code(["stage", "x", "--status", "completed"]) == 0
    assert capsys.readouterr().out == ""


def test_a_manifest_goes_as_it_is(receiver: responses.RequestsMock, tmp_path: Path):
    sent, path = takes(receiver), tmp_path / "m.json"
    path.write_text('{"builds": [], "last_run_uuid": "u"}')
    main(["manifest", str(path)])
    (document,) = sent()
    assert document["manifest"] == {"builds": [], "last_run_uuid": "u"}
    assert ENVELOPE.validate(document) == {}


def test_a_torn_manifest_is_read_again(tmp_path: Path):
    path, watch = tmp_path / "m.json", Watch()
    path.write_text('{"builds": [')

    def finish_writing(_: float) -> None:
        path.write_text('{"builds": []}')

    clock = watch.clock._replace(sleep=finish_writing)
    assert read_manifest(path, Deadline(clock=clock)) == {"builds": []}


@pytest.mark.parametrize("text", ['{"builds": [', "[]", "", "[" * 100_000])
def test_what_is_no_manifest_is_named(tmp_path: Path, text: str):
    path, watch = tmp_path / "m.json", Watch()
    path.write_text(text)
    with pytest.raises(HookError, match=r"m\.json holds no manifest"):
        read_manifest(path, Deadline(clock=watch.clock))
    assert sum(watch.slept) <= 2.1


def test_check_shows_where_each_value_came_from_and_no_secret(
    receiver: responses.RequestsMock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MILEPOST_URL", "https://ada:hunter2@milepost.example.com/webhooks/milepost")
    takes(receiver, "https://ada:hunter2@milepost.example.com/webhooks/milepost")
    main(["check", "--project", "core"])
    out = capsys.readouterr().out
    assert "core   (--project)" in out
    assert "b-1   (MILEPOST_BUILD_NUMBER)" in out
    assert '{"outcome": "stored"}' in out
    assert f"Look at: {URL}/builds/b-1\n" in out
    assert base64.b64decode(SECRET.removeprefix("whsec_")).decode() not in out
    assert SECRET not in out
    assert "hunter2" not in out


def test_check_shows_what_it_can_where_something_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MILEPOST_BUILD_NUMBER")
    assert exit_code(["check", "--project", "core"]) == 0
    shown = capsys.readouterr()
    assert "core   (--project)" in shown.out
    assert "set MILEPOST_BUILD_NUMBER" in shown.err
