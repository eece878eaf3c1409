"""The templates to copy, built by a real Packer with each hook."""

import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from receiver.sources.milepost import ENVELOPE
from tests.support import ROOT
from tests.support.ci_variables import GITHUB
from tests.support.listeners import Listener
from tests.support.senders import SECRET
from tests.support.shell_hook import SH

TEMPLATES = ROOT / "hooks" / "packer"
HOOKS = {"python": Path(sys.executable).with_name("milepost-hook"), "sh": SH}
STAGES = ["Base configuration", "Security baseline"]
Documents = dict[str, list[dict[str, Any]]]


def build(
    folder: Path, url: str, *arguments: str, hook: str = "python", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `packer build` with the hook in its PATH."""
    assert shutil.which("packer"), "install Debian's package packer"
    (folder / "bin").mkdir(exist_ok=True)
    link = folder / "bin" / "milepost-hook"
    link.unlink(missing_ok=True)
    link.symlink_to(HOOKS[hook])
    environment = {
        "PATH": f"{link.parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "CHECKPOINT_DISABLE": "1",
        "MILEPOST_URL": url,
        "MILEPOST_SECRET": SECRET,
        **more,
    }
    *options, template = arguments
    return subprocess.run(
        ["packer", "build", *options, TEMPLATES / template],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )


def documents_by_build(listener: Listener) -> Documents:
    """Return the envelopes of each build, in order; all signed and valid."""
    builds: Documents = defaultdict(list)
    for post in listener.posts:
        Webhook(SECRET).verify(post.body, post.headers)
        ENVELOPE.deserialize(post.document)  # raises what is wrong
        builds[post.document["build"]["number"]].append(post.document)
    return builds


def summary(documents: list[dict[str, Any]]) -> list[str]:
    """Return one word for each envelope of a build."""
    events = [(document["events"] or [{}])[0] for document in documents]
    words = [event.get("stage") or event.get("status") or "manifest" for event in events]
    return [str(word) for word in words]


@pytest.mark.parametrize("hook", HOOKS)
def test_three_sources_report_three_builds(listener: Listener, tmp_path: Path, hook: str):
    done = build(tmp_path, listener.url, "milepost.pkr.hcl", hook=hook)
    assert done.returncode == 0, done.stdout
    builds = documents_by_build(listener)
    run_uuid = listener.posts[0].document["run"]["key"]
    assert sorted(builds) == [
        f"packer-{run_uuid}-{source}" for source in ("file-notes", "null-application", "null-base")
    ]
    for number, documents in builds.items():
        assert summary(documents) == [*STAGES, "manifest", "completed"]
        assert {document["run"]["key"] for document in documents} == {run_uuid}
        assert {document["build"]["platform"] for document in documents} == {
            number.rpartition("-")[0].rpartition("-")[2]
        }


def test_each_source_posts_only_its_own_manifest(listener: Listener, tmp_path: Path):
    assert build(tmp_path, listener.url, "milepost.pkr.hcl").returncode == 0
    for number, documents in documents_by_build(listener).items():
        (manifest,) = [each["manifest"] for each in documents if each["manifest"]]
        (artifact,) = manifest["builds"]
        assert number.endswith(f"-{artifact['builder_type']}-{artifact['name']}")
        assert artifact["packer_run_uuid"] == manifest["last_run_uuid"]


def test_three_sources_in_a_ci_job_are_three_builds_of_one_run(listener: Listener, tmp_path: Path):
    assert build(tmp_path, listener.url, "milepost.pkr.hcl", **GITHUB).returncode == 0
    builds = documents_by_build(listener)
    assert sorted(builds) == [
        f"acme.images-500-image-{source}"
        for source in ("file-notes", "null-application", "null-base")
    ]
    keys = {each["run"]["key"] for documents in builds.values() for each in documents}
    assert keys == {"github:acme/images:500:1:runner-4"}


@pytest.mark.parametrize("hook", HOOKS)
def test_json_template_reports_success(listener: Listener, tmp_path: Path, hook: str):
    done = build(tmp_path, listener.url, "milepost.json", hook=hook)
    assert done.returncode == 0, done.stdout
    ((number, documents),) = documents_by_build(listener).items()
    assert number.endswith("-null-golden")
    assert summary(documents) == [*STAGES, "manifest", "completed"]


@pytest.mark.parametrize("hook", HOOKS)
def test_json_template_reports_a_failed_provisioner(listener: Listener, tmp_path: Path, hook: str):
    done = build(tmp_path, listener.url, "-var", "fail=yes", "milepost.json", hook=hook)
    assert done.returncode == 1, done.stdout
    (documents,) = documents_by_build(listener).values()
    assert summary(documents) == [*STAGES, "failed"]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("template", ["milepost.pkr.hcl", "milepost.json"])
def test_build_succeeds_if_nothing_can_be_reported(tmp_path: Path, hook: str, template: str):
    done = build(tmp_path, "", template, hook=hook)
    assert done.returncode == 0, done.stdout
    assert "milepost: not reporting: set MILEPOST_URL" in done.stdout + done.stderr
