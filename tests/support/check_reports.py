"""Reports of tests, scans and bills of materials, and the command that attaches them."""

import json
from pathlib import Path
from typing import Any

import responses

from tests.support.hook_calls import sent

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
