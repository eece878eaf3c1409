"""`milepost-hook attach`: what it says of files that are no reports, and of wrong options."""

import json
from pathlib import Path

import pytest
import responses

from hooks.__main__ import main
from tests.support.check_reports import BOMB, CYCLONEDX, SUREFIRE, TRIVY, XXE, attached, written
from tests.support.hook_calls import exit_code, sent
from tests.support.receivers import Running
from tests.support.senders import envelope, verdict

pytestmark = pytest.mark.usefixtures("hook_settings")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("\ufeff \n", "empty"),
        ("all tests passed", "neither XML nor JSON"),
        ("<html><body>Sign in</body></html>", "no JUnit report: it begins with html"),
        ('<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>', "bom"),
        (SUREFIRE[:300], "broken or cut off"),
        (BOMB, "entities"),
        (XXE, "entities"),
        ('<?xml version="1.0" encoding="klingon"?><testsuite/>', "broken"),
        (SUREFIRE.replace("NPE", "\xe4").encode("latin-1"), "broken"),
        (json.dumps(TRIVY)[:500], "broken or cut off"),
        (b'{"a": "\xe4"}', "not in UTF-8"),
        ("[" * 100_000, "JSON"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[]", "no object"),
        ({"version": "2.1.0", "runs": []}, "SARIF"),
        ({"spdxVersion": "SPDX-2.3"}, "SPDX"),
        ({"matches": [], "source": {}}, "Grype"),
        ({"milepost_check": 2}, "must be 1"),
        ({"milepost_check": 1, "kind": "lint"}, "kind"),
        ({"milepost_check": 1, "kind": "scan", "counts": {"high": -1}}, "whole numbers"),
        ({"milepost_check": 1, "kind": "scan", "counts": {"awful": 1}}, "awful"),
    ],
)
def test_what_is_no_report_gives_one_line_and_breaks_no_build(
    mock: responses.RequestsMock, file: Path, capsys: pytest.CaptureFixture[str], content: object,
    words: str,
):  # fmt: skip
    assert exit_code(["attach", str(written(file, content))]) == 0
    told = capsys.readouterr().err
    assert told.startswith("milepost: not attached: ")
    assert words in told
    assert told.count("\n") == 1
    assert exit_code(["attach", str(file), "--strict"]) == 1
    assert not mock.calls


def test_a_missing_or_a_huge_file_or_a_folder_is_none(
    mock: responses.RequestsMock, file: Path, capsys: pytest.CaptureFixture[str]
):
    for path in (file, file.parent, Path("/dev/zero")):
        assert exit_code(["attach", str(path)]) == 0
        assert "there is no file" in capsys.readouterr().err
    with file.open("wb") as huge:
        huge.truncate(64 * 2**20 + 1)
    assert exit_code(["attach", str(file)]) == 0
    assert "larger than 64 MiB" in capsys.readouterr().err
    assert not mock.calls


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--name", "a,b"], "--name"),
        (["--database-at", "yesterday"], "--database-at"),
        (["--fail-on", "nothing"], "--fail-on"),
    ],
)
def test_a_wrong_option_is_told(
    mock: responses.RequestsMock, file: Path, capsys: pytest.CaptureFixture[str], more: list[str],
    words: str,
):  # fmt: skip
    assert exit_code(["attach", str(written(file, TRIVY)), *more]) == 0
    assert words in capsys.readouterr().err
    assert not mock.calls


def test_under_the_wrapper_nothing_is_attached(
    mock: responses.RequestsMock,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("MILEPOST_WRAPPED", "1")
    assert exit_code(["attach", str(written(file, TRIVY))]) == 0
    assert "once Packer has ended" in capsys.readouterr().err
    assert not mock.calls


def test_with_a_target_it_is_the_wrapper_s_build(mock: responses.RequestsMock, file: Path):
    document = sent(mock, "attach", str(written(file, TRIVY)), "--target", "amazon-ebs.rhel9")
    assert document["build"]["number"] == "b-1-amazon-ebs.rhel9"


def test_the_command_tells_the_build_and_the_numbers(
    mock: responses.RequestsMock, file: Path, capsys: pytest.CaptureFixture[str]
):
    attached(mock, written(file, TRIVY))
    assert capsys.readouterr().out == (
        "milepost: b-1: trivy: scan failed: 2 critical (1 with a fix), 2 high (1 with a fix), "
        "1 medium, 1 unknown\n"
    )


def test_a_real_receiver_keeps_it_a_week_later(
    receiver: Running, file: Path, monkeypatch: pytest.MonkeyPatch
):
    receiver.post(envelope(verdict("completed", 5), number="b-1"))
    monkeypatch.setenv("MILEPOST_URL", receiver.url)
    monkeypatch.setenv("MILEPOST_SECRET", receiver.secrets["milepost"])
    for content in (TRIVY, SUREFIRE, CYCLONEDX):
        main(["attach", str(written(file, content)), "--strict"])
    checks = json.loads(receiver.get("/api/v1/builds/b-1/checks"))["items"]
    assert {row["name"]: row["status"] for row in checks} == {
        "sbom": "passed",
        "tests": "failed",
        "trivy": "failed",
    }
    build = receiver.build("b-1")
    assert (build["status"], build["attempt"]) == ("completed", 1)
