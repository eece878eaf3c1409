"""What docs/images.md shows of the good image works as it stands: curl, then the next build."""

import re
import subprocess
from pathlib import Path

from tests.support import ROOT
from tests.support.receivers import started
from tests.support.senders import envelope, manifest, verdict

IMAGES = (ROOT / "docs" / "images.md").read_text()
BUILD = {
    "project": "core",
    "platform": "aws-commercial",
    "os_version": "rhel-8.8",
    "image_type": "hana",
}
NEXT = """
variable "source_ami" { type = string }
source "null" "next" { communicator = "none" }
build {
  sources = ["source.null.next"]
  provisioner "shell-local" { inline = ["echo it starts from '${var.source_ami}'"] }
}
"""


def test_the_next_packer_build_starts_from_the_good_image(tmp_path: Path):
    scripts = re.findall(r"```sh\n(.*?)```", IMAGES, re.S)
    (script,) = (text for text in scripts if "ami=$(" in text and "packer build" in text)
    (tmp_path / "next.pkr.hcl").write_text(NEXT)
    with started(MILEPOST_PUBLIC_READ="0") as receiver:
        made = manifest({"builder_type": "amazon-ebs", "artifact_id": "us-east-1:ami-0abc"})
        said = envelope(verdict("completed", 9), build=BUILD, manifest=made)
        assert receiver.post(said).status_code == 202
        token = receiver.run("token", "create", "--name", "packer", "--scope", "read").stdout
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=tmp_path,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path),
                "CHECKPOINT_DISABLE": "1",
                "MILEPOST_URL": receiver.url,
                "MILEPOST_TOKEN": token.strip(),
            },
            text=True,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "it starts from ami-0abc" in done.stdout


def test_a_consumer_keeps_the_last_image_while_nobody_answers_and_none_that_is_revoked(
    tmp_path: Path,
):
    (script,) = (
        each for each in re.findall(r"```sh\n(.*?)```", IMAGES, re.S) if "last-good" in each
    )

    def ask(url: str, token: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-euc", script + 'echo "$ami"'],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "MILEPOST_URL": url, "MILEPOST_TOKEN": token},
            text=True,
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    with started(MILEPOST_PUBLIC_READ="0") as receiver:
        made = manifest({"builder_type": "amazon-ebs", "artifact_id": "us-east-1:ami-0abc"})
        said = envelope(verdict("completed", 9), number="h-1", build=BUILD, manifest=made)
        assert receiver.post(said).status_code == 202
        token = receiver.run("token", "create", "--name", "a", "--scope", "read").stdout.strip()
        receiver.run("channel", "create", "prod")
        receiver.run("channel", "assign", "prod", "h-1")
        assert ask(receiver.url, token) == (0, "ami-0abc")
        receiver.run("revoke", "h-1", "--reason", "CVE-2026-1", "--no-descendants", "--yes")
        assert ask(receiver.url, token) == (1, "")
    assert ask(receiver.url, token) == (0, "ami-0abc")
    (tmp_path / "last-good-ami").unlink()
    assert ask(receiver.url, token) == (1, "")
