"""The GitLab template in real jobs, run by gitlab-ci-local, reporting to a real receiver."""

import re
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import requests

from tests.support import ROOT, documented_packer
from tests.support.receivers import Running

TEMPLATE = ROOT / "hooks" / "gitlab" / "milepost.yml"
GITLAB_CI_LOCAL = ROOT / "build" / "node" / "node_modules" / ".bin" / "gitlab-ci-local"
INCLUDE = re.compile(r"  - remote: \S+/hooks/gitlab/milepost\.yml\n")
FAILING = """
failing:
  extends: .milepost
  script:
    - milepost-hook stage Storage
    - exit 3
"""


PAGE = (ROOT / "docs" / "gitlab.md").read_text()


def pipeline() -> str:
    """Return the jobs of the docs, with the local template and on this machine."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    text, replaced = INCLUDE.subn("  - local: milepost.yml\n", "\n".join(blocks))
    assert (len(blocks), replaced) == (2, 1)
    text, here = re.subn(r"  (image: .*|id_tokens:\n    .*\n      aud: .*)\n", "", text)
    assert here == 2  # neither a container nor a token
    return text + FAILING


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the pipeline as project `acme/images` on a shell runner."""
    git = ["git", "-C", str(folder), "-c", "user.name=ada", "-c", "user.email=ada@example.com"]
    remote = "git@gitlab.example.com:acme/images.git"
    (folder / "milepost.yml").write_bytes(TEMPLATE.read_bytes())
    (folder / ".gitlab-ci.yml").write_text(pipeline())
    (manifest,) = re.findall(r"```hcl\n(.*?)```", PAGE, re.S)
    programs = documented_packer.prepare(folder, manifest)
    for command in (["init", "-q"], ["remote", "add", "origin", remote], ["add", "."]):
        subprocess.run([*git, *command], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    flags = [
        text for name, value in variables.items() for text in ("--variable", f"{name}={value}")
    ]
    return subprocess.run(
        [str(GITLAB_CI_LOCAL), *flags],
        cwd=folder,
        env={
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder.parent),
            "CHECKPOINT_DISABLE": "1",
        },
        text=True,
        capture_output=True,
        check=False,
    )


def listed(receiver: Running) -> list[dict[str, Any]]:
    answer = requests.get(f"{receiver.url}/api/v1/builds", timeout=30)
    builds: list[dict[str, Any]] = answer.json()["items"]
    return builds


def test_every_job_of_the_docs_is_a_build_with_its_result(receiver: Running, tmp_path: Path):
    folder = tmp_path / "my images"
    folder.mkdir()
    settings = {"MILEPOST_URL": receiver.url, "MILEPOST_SECRET": receiver.secrets["milepost"]}
    done = run(folder, **settings)
    assert done.returncode == 1, done.stdout + done.stderr  # one job fails
    said = set(re.findall(r"milepost: (http.*)", done.stdout + done.stderr))
    assert len(said) == 8  # six legs and two jobs
    assert all(line.startswith(f"{receiver.url}/builds/acme.images-1000-") for line in said)
    builds = [build for build in listed(receiver) if "-null." in build["build_number"]]
    legs = {(build["os_version"], build["platform"]) for build in builds}
    clouds = ("aws", "azure", "gcp")
    assert legs == {(os, cloud) for os in ("rhel-9", "ubuntu-24.04") for cloud in clouds}
    assert {build["status"] for build in builds} == {"completed"}
    assert {(build["project"], build["image_type"]) for build in builds} == {("core", "base")}
    for name, status in (("golden-with-its-own", "completed"), ("failing", "failed")):
        assert receiver.build(f"acme.images-1000-{name}")["status"] == status


def test_job_without_a_secret_succeeds(receiver: Running, tmp_path: Path):
    folder = tmp_path / "fork"
    folder.mkdir()
    done = run(folder, MILEPOST_URL=receiver.url)
    output = done.stdout + done.stderr
    assert output.count("milepost: not reporting: set MILEPOST_SECRET") >= 12  # two in each job
    assert output.count(" PASS ") >= 5


def test_templates_contain_the_same_installer():
    installer = (ROOT / "hooks" / "install.sh").read_text()
    assert textwrap.indent(installer, " " * 6) in TEMPLATE.read_text()
    jenkins = ROOT / "hooks" / "jenkins" / "resources" / "milepost" / "install.sh"
    assert jenkins.read_text() == installer
