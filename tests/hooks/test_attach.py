"""`milepost-hook attach`: what it reads of each report, and what it says of files that are none."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import responses

from hooks.__main__ import main
from tests.support.hook_calls import exit_code, sent
from tests.support.receivers import Running
from tests.support.senders import envelope, verdict

pytestmark = pytest.mark.usefixtures("hook_settings")

# As `trivy image --format json` writes it; descriptions left out.
TRIVY: dict[str, Any] = {
    "SchemaVersion": 2,
    "Trivy": {"Version": "0.69.1"},
    "CreatedAt": "2026-01-08T02:00:00.000000005Z",
    "ArtifactName": "base.tar.gz",
    "ArtifactType": "container_image",
    "Results": [
        {
            "Target": "base.tar.gz (alpine 3.9.4)",
            "Class": "os-pkgs",
            "Type": "alpine",
            "Vulnerabilities": [
                {"VulnerabilityID": "CVE-1", "FixedVersion": "1.1.1d-r0", "Severity": "CRITICAL"},
                {"VulnerabilityID": "CVE-1", "PkgName": "libssl", "Severity": "CRITICAL"},
                {"VulnerabilityID": "CVE-2", "FixedVersion": "1.2", "Severity": "HIGH"},
                {"VulnerabilityID": "CVE-3", "Severity": "UNKNOWN"},
            ],
        },
        {"Target": "requirements.txt", "Class": "lang-pkgs", "Type": "pip"},
        {
            "Target": "Dockerfile",
            "Class": "config",
            "Misconfigurations": [
                {"ID": "DS002", "Severity": "HIGH", "Status": "FAIL"},
                {"ID": "DS001", "Severity": "HIGH", "Status": "PASS"},
            ],
        },
        {"Target": "/root/.ssh/id_rsa", "Class": "secret", "Secrets": [{"Severity": "MEDIUM"}]},
    ],
}
CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {
        "timestamp": "2026-01-08T02:00:00+00:00",
        "tools": {"components": [{"type": "application", "name": "syft", "version": "1.18.0"}]},
    },
    "components": [
        {"type": "library", "name": "openssl", "components": [{"type": "file", "name": "x"}]},
        {"type": "library", "name": "zlib"},
    ],
}
SUREFIRE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.acme.ImageTest"
  time="3.1" tests="4" errors="1" skipped="1" failures="0">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="boots" classname="com.acme.ImageTest" time="0.1"/>
  <testcase name="flaky" classname="com.acme.ImageTest"><flakyFailure message="x"/></testcase>
  <testcase name="skips" classname="com.acme.ImageTest"><skipped/></testcase>
  <testcase name="breaks" classname="com.acme.ImageTest"><error message="NPE">x</error></testcase>
</testsuite>
"""
BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;">]><testsuite><testcase name="&c;"/></testsuite>"""
XXE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
<testsuite name="&e;"><testcase/></testsuite>"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "report"


def written(file: Path, content: object) -> Path:
    """Return the file with text, bytes, or a document as JSON."""
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def attached(mock: responses.RequestsMock, file: Path, *more: str) -> dict[str, Any]:
    (event,) = sent(mock, "attach", str(file), *more)["events"]
    assert event["kind"] == "check"
    check: dict[str, Any] = event["check"] | {"at": event["at"]}
    return check


def test_trivy_s_findings_are_counted_by_severity(mock: responses.RequestsMock, file: Path):
    check = attached(mock, written(file, TRIVY), "--url", "https://ci.example.com/8")
    assert check["counts"] == {"critical": 2, "high": 2, "medium": 1, "low": 0, "unknown": 1}
    assert check["fixable"] == {"critical": 1, "high": 1, "medium": 0, "low": 0, "unknown": 0}
    told = [check[name] for name in ("name", "kind", "status", "tool", "tool_version", "at", "url")]
    assert told == [
        *("trivy", "scan", "failed", "trivy", "0.69.1"),
        *("2026-01-08T02:00:00.000000005Z", "https://ci.example.com/8"),
    ]
    assert check["digest"].startswith("sha256:")


def test_a_scan_that_found_nothing_has_passed(mock: responses.RequestsMock, file: Path):
    clean = {name: value for name, value in TRIVY.items() if name != "Results"}
    assert attached(mock, written(file, clean))["status"] == "passed"


@pytest.mark.parametrize(
    ("fail_on", "status"),
    [("critical", "passed"), ("high", "failed"), ("low", "failed"), ("never", "passed")],
)
def test_the_command_says_which_severity_fails_a_scan(
    mock: responses.RequestsMock, file: Path, fail_on: str, status: str
):
    found = {"Vulnerabilities": [{"Severity": "HIGH"}]}
    document = TRIVY | {"Results": [found]}
    assert attached(mock, written(file, document), "--fail-on", fail_on)["status"] == status


def test_the_time_of_the_database_is_said_or_told_by_a_server(
    mock: responses.RequestsMock, file: Path
):
    said = "2026-01-08T00:24:00Z"
    check = attached(mock, written(file, TRIVY), "--database-at", said)
    assert check["database_at"] == said
    server = {"VulnerabilityDB": {"Version": 2, "UpdatedAt": "2026-01-07T00:24:00Z"}}
    document = TRIVY | {"Trivy": {"Version": "0.69.1", "Server": server}}
    assert attached(mock, written(file, document))["database_at"] == "2026-01-07T00:24:00Z"


def test_a_bill_of_materials_has_its_components(mock: responses.RequestsMock, file: Path):
    check = attached(mock, written(file, CYCLONEDX))
    assert (check["name"], check["kind"], check["status"]) == ("sbom", "sbom", "passed")
    assert check["counts"] == {"components": 3}
    assert (check["tool"], check["tool_version"]) == ("syft", "1.18.0")


def test_a_bill_with_vulnerabilities_counts_the_worst_rating_of_open_ones(
    mock: responses.RequestsMock, file: Path
):
    listed = [
        {"id": "CVE-1", "ratings": [{"severity": "high"}, {"severity": "critical"}]},
        {"id": "CVE-2", "ratings": [{"severity": "info"}], "recommendation": "Upgrade to 2"},
        {"id": "CVE-3", "ratings": []},
        {
            "id": "CVE-4",
            "ratings": [{"severity": "critical"}],
            "analysis": {"state": "not_affected"},
        },
    ]
    tools = {"tools": [{"vendor": "aquasecurity", "name": "trivy", "version": "0.30.0"}]}
    document = CYCLONEDX | {"vulnerabilities": listed, "metadata": tools}
    check = attached(mock, written(file, document), "--name", "grype")
    assert (check["name"], check["status"], check["tool"]) == ("grype", "failed", "trivy")
    counts = {name: count for name, count in check["counts"].items() if count}
    assert counts == {"components": 3, "critical": 1, "low": 1, "unknown": 1}
    assert check["fixable"]["low"] == 1


def test_surefire_s_cases_are_counted(mock: responses.RequestsMock, file: Path):
    check = attached(mock, written(file, SUREFIRE))
    assert (check["name"], check["kind"], check["status"]) == ("tests", "tests", "failed")
    assert check["counts"] == {"passed": 2, "failed": 0, "errors": 1, "skipped": 1}


def test_what_pytest_itself_writes_is_read(mock: responses.RequestsMock, tmp_path: Path):
    tests = "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\n"
    tests += "@pytest.mark.skip\ndef test_c(): pass\n"
    (tmp_path / "test_image.py").write_text(tests)
    arguments = ["-p", "no:cacheprovider", "-q", "--junitxml", "out.xml", "test_image.py"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", *arguments],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    check = attached(mock, tmp_path / "out.xml")
    assert (check["status"], check["tool"]) == ("failed", "pytest")
    assert check["counts"] == {"passed": 1, "failed": 1, "errors": 0, "skipped": 1}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('<testsuites><testsuite name="x" tests="0"/></testsuites>', "unknown"),
        ("<testsuite><testcase><skipped/></testcase></testsuite>", "unknown"),
        ('<testsuite tests="3" failures="0"/>', "passed"),
        ('<testsuite tests="1" errors="1"><testcase/></testsuite>', "failed"),
        ('<testsuites><testsuite><testsuite failures="0"><testcase/></testsuite>'
         "</testsuite></testsuites>", "passed"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><testsuite><testcase/></testsuite>', "passed"),
        ('\ufeff<testsuite xmlns="urn:x"><testcase/></testsuite>', "passed"),
    ],
)  # fmt: skip
def test_no_result_is_no_success(mock: responses.RequestsMock, file: Path, text: str, status: str):
    assert attached(mock, written(file, text))["status"] == status


def test_json_in_utf_16_is_read(mock: responses.RequestsMock, file: Path):
    content = json.dumps(CYCLONEDX).encode("utf-16")
    assert attached(mock, written(file, content))["kind"] == "sbom"


def test_our_own_form_is_taken_as_it_is(mock: responses.RequestsMock, file: Path):
    own = {"milepost_check": 1, "name": "cis", "kind": "scan", "counts": {"high": 2}}
    check = attached(mock, written(file, own | {"tool": "openscap"}), "--fail-on", "high")
    assert (check["name"], check["status"], check["tool"]) == ("cis", "failed", "openscap")
    stated = written(file, own | {"status": "passed"})
    assert attached(mock, stated, "--fail-on", "high")["status"] == "passed"
    assert attached(mock, stated, "--status", "failed")["status"] == "failed"


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
