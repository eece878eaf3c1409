"""What each command of the hook sends and prints, and what a mistake in it does: no harm."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import responses

from hooks.__main__ import main, read_manifest
from hooks.client import Deadline
from hooks.errors import HookError
from receiver.sources.milepost import ENVELOPE
from tests.support import ROOT
from tests.support.hook_calls import (
    SETTINGS,
    URL,
    Watch,
    exit_code,
    receiver,
    settings_of_the_hook,
    takes,
)
from tests.support.senders import SECRET

__all__ = ["receiver", "settings_of_the_hook"]  # fixtures


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
