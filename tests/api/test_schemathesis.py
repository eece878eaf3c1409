"""Schemathesis over the whole document, against a receiver as it runs: every check is on."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT
from tests.support.receivers import started
from tests.support.senders import envelope, manifest, stage, verdict

NUMBER = "core-rhel-9-web-142"  # the document's example
BUILD = {
    "project": "core",
    "platform": "aws-commercial",
    "os_version": "rhel-9.4",
    "image_type": "web",
}


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Test a closed receiver with an admin token; one of its builds failed, one is completed."""
    with started(MILEPOST_PUBLIC_READ="0") as receiver:
        made = receiver.run("token", "create", "--name", "tester", "--scope", "admin")
        failed = stage("Base", "failed", 5, state=15, failure={"message": "no route"})
        receiver.post(envelope(stage("Base", state=15), failed, number=NUMBER, build=BUILD))
        image = manifest({"builder_type": "amazon-ebs", "artifact_id": "us-east-1:ami-1"})
        good = envelope(verdict("completed", 9), number="good", build=BUILD, manifest=image)
        receiver.post(good)
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(ROOT / "schemathesis.toml")),
            # Two threads that parse fail at times: https://github.com/python/cpython/issues/106905.
            *("run", f"{receiver.url}/api/openapi.json", "--workers", "1"),
            *("--header", f"Authorization: Bearer {made.stdout.strip()}"),
            *("--checks", "all", "--no-color", "--suppress-health-check", "too_slow", *options),
        ]
        return subprocess.run(command, text=True, capture_output=True, check=False)


def test_api_conforms_to_its_document():
    done = run("--phases", "examples,coverage", "--seed", "1")
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr
    cases = re.search(r"(\d+) generated, \1 passed|(\d+) generated", done.stdout)
    assert cases
    assert int(cases[1] or cases[2]) > 500


if __name__ == "__main__":
    longer = run("--max-examples", "50", *sys.argv[1:])
    sys.stdout.write(longer.stdout + longer.stderr)
    sys.exit(longer.returncode)
