"""`milepost-hook attach`: what it reads of each report."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import responses

from tests.support.check_reports import CYCLONEDX, SUREFIRE, TRIVY, attached, written

pytestmark = pytest.mark.usefixtures("hook_settings")


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
