"""The commands of the hook: the events they send, their output, and mistakes in arguments."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import responses

from hooks import manifests
from hooks.__main__ import main
from hooks.client import Deadline
from hooks.errors import HookError
from tests.support import ROOT
from tests.support.hook_calls import SETTINGS, URL, FakeClock, accept, exit_code, sent
from tests.support.senders import SECRET

pytestmark = pytest.mark.usefixtures("hook_settings")


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
def test_each_command_sends_one_valid_event(
    mock: responses.RequestsMock, arguments: list[str], event: dict[str, Any]
):
    (sent_event,) = sent(mock, *arguments)["events"]
    assert event.items() <= sent_event.items()
    assert len(mock.calls) == 1


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("success SUCCESS passed completed UNSTABLE neutral", "completed"),
        ("failure failed FAILURE timed_out startup_failure stale", "failed"),
        ("cancelled canceled ABORTED NOT_BUILT skipped", "cancelled"),
    ],
)
def test_verdict_may_be_any_status_word_of_a_forge(
    mock: responses.RequestsMock, words: str, status: str
):
    for word in words.split():
        assert sent(mock, "done", "--status", word)["events"][0]["status"] == status


def test_more_detailed_status_word_is_reported_as_a_message(mock: responses.RequestsMock):
    (event,) = sent(mock, "done", "--status", "UNSTABLE")["events"]
    assert event["failure"]["message"] == "The CI's own word: unstable"


def test_failure_has_its_type_message_and_component(mock: responses.RequestsMock):
    arguments = ["fail", "no route", "--component", "ansible", "--type", "provisioner"]
    failure = {"type": "provisioner", "message": "no route", "component": "ansible"}
    assert sent(mock, *arguments)["events"][0]["failure"] == failure


def test_every_identity_flag_is_sent(mock: responses.RequestsMock):
    build = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "hana"}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in build.items()]
    more = ["--build-number=n", "--created-by=ada", "--run-key=k", "--attempt=2"]
    document = sent(mock, "stage", "x", *flags, *more, "--resumed-from=25")
    assert document["build"] == {"number": "n", "created_by": "ada", **build}
    assert document["run"].items() >= {"key": "k", "attempt": 2, "resumed_from": 25}.items()


def test_bytes_that_are_not_utf_8_are_replaced(mock: responses.RequestsMock):
    assert sent(mock, "stage", os.fsdecode(b"caf\xe9"))["events"][0]["stage"] == "caf?"


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
def test_invalid_setting_is_one_line_without_the_secret_and_exit_0(
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
def test_invalid_argument_exits_with_1_only_if_strict(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
):
    assert exit_code(arguments) == 0
    assert capsys.readouterr().err.startswith("milepost: ")
    assert exit_code([*arguments, "--strict"]) == 1


def test_call_without_a_command_prints_the_usage(capsys: pytest.CaptureFixture[str]):
    assert exit_code([]) == 2
    assert "usage: milepost-hook" in capsys.readouterr().err
    assert exit_code(["stage", "--help"]) == 0


def test_strict_flag_or_variable_makes_a_problem_exit_1(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MILEPOST_SECRET")
    assert exit_code(["stage", "x", "--strict"]) == 1
    monkeypatch.setenv("MILEPOST_STRICT", "0")
    assert exit_code(["stage", "x"]) == 0
    monkeypatch.setenv("MILEPOST_STRICT", "1")
    assert exit_code(["stage", "x"]) == 1


def test_missing_requests_package_is_one_line_and_exit_0(tmp_path: Path):
    (tmp_path / "requests.py").write_text("raise ImportError('gone', name='requests')")
    root = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "hooks", "stage", "x"],
        env={**SETTINGS, "PYTHONPATH": f"{tmp_path}:{root}"},
        text=True,
        capture_output=True,
        check=False,
    )
    line = "milepost: not reporting: ImportError requests\n"
    assert (done.returncode, done.stderr) == (0, line)


def test_stage_under_the_wrapper_is_a_marker(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MILEPOST_WRAPPED", "1")
    main(["stage", "Harden OS", "--state", "25"])
    main(["stage", "Harden\nOS"])
    marks = "milepost: stage 25 Harden OS\nmilepost: stage - Harden OS\n"
    assert capsys.readouterr().out == marks
    assert exit_code(["stage", "x", "--status", "completed"]) == 0
    assert capsys.readouterr().out == ""


def test_manifest_is_sent_unchanged(mock: responses.RequestsMock, tmp_path: Path):
    path = tmp_path / "m.json"
    manifest = {"builds": [{"name": "a"}], "last_run_uuid": "u"}
    path.write_text(json.dumps(manifest))
    assert sent(mock, "manifest", str(path))["manifest"] == manifest


def test_torn_manifest_is_read_again(tmp_path: Path):
    path, fake = tmp_path / "m.json", FakeClock()
    path.write_text('{"builds": [')

    def finish_writing(_: float) -> None:
        path.write_text('{"builds": [{}]}')

    clock = fake.clock._replace(sleep=finish_writing)
    assert manifests.read(path, Deadline(clock=clock)) == {"builds": [{}]}


@pytest.mark.parametrize(
    "text",
    ['{"builds": [', "[]", "", "[" * 100_000, "{}", '{"builds": null}', '{"builds": []}',
     '{"builds": [null, "x"]}', '{"builds": {}}'],
)  # fmt: skip
def test_file_without_a_manifest_is_an_error(tmp_path: Path, text: str):
    path, fake = tmp_path / "m.json", FakeClock()
    path.write_text(text)
    with pytest.raises(HookError, match=r"m\.json holds no manifest"):
        manifests.read(path, Deadline(clock=fake.clock))
    assert sum(fake.pauses) <= 2.1


def test_check_shows_the_origin_of_each_value_and_no_secret(
    mock: responses.RequestsMock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MILEPOST_URL", "https://ada:hunter2@milepost.example.com/webhooks/milepost")
    accept(mock, "https://ada:hunter2@milepost.example.com/webhooks/milepost")
    main(["check", "--project", "core"])
    out = capsys.readouterr().out
    assert "core   (--project)" in out
    assert "b-1   (MILEPOST_BUILD_NUMBER)" in out
    assert '{"id": null, "outcome": "stored"}' in out
    assert f"Look at: {URL}/builds/b-1\n" in out
    assert base64.b64decode(SECRET.removeprefix("whsec_")).decode() not in out
    assert SECRET not in out
    assert "hunter2" not in out


def test_check_shows_the_known_values_if_a_setting_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MILEPOST_BUILD_NUMBER")
    assert exit_code(["check", "--project", "core"]) == 0
    shown = capsys.readouterr()
    assert "core   (--project)" in shown.out
    assert "set MILEPOST_BUILD_NUMBER" in shown.err


def test_each_report_names_the_images_that_the_build_starts_from(
    mock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
):
    document = sent(
        mock, "stage", "Base", "--source", "us-east-1:ami-1", "--source", "ubuntu:24.04"
    )
    assert document["sources"] == [
        {"artifact_id": "ami-1", "region": "us-east-1"},
        {"artifact_id": "ubuntu:24.04"},
    ]
    monkeypatch.setenv("MILEPOST_SOURCE", "ami-2")
    assert sent(mock, "done", "--status", "success")["sources"] == [{"artifact_id": "ami-2"}]
    monkeypatch.delenv("MILEPOST_SOURCE")
    assert "sources" not in sent(mock, "stage", "Base")
