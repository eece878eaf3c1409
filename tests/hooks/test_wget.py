"""The shell hook and the installer with wget alone, GNU's and busybox's."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.hooks.test_answers import SIGN_IN
from tests.support import ROOT
from tests.support.listeners import Listener, receivers
from tests.support.receivers import Running
from tests.support.senders import BEARER, SECRET
from tests.support.shell_hook import SH

PROGRAMS = ("sh", "openssl", "mkdir", "rm", "mv", "chmod", "tr", "sed", "head", "tail", "date",
            "od", "cat", "awk", "sort", "grep", "mktemp", "timeout")  # fmt: skip


@pytest.fixture(params=["GNU", "busybox"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A PATH without curl and Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).symlink_to(os.path.realpath(f"/usr/bin/{name}"))
    wget = "/usr/bin/wget" if request.param == "GNU" else shutil.which("busybox")
    assert wget, "install Debian's packages wget and busybox"
    (folder / "wget").symlink_to(wget)
    return str(folder)


def run(listener: Listener, path: str, *arguments: str, **more: str) -> str:
    """Run a command that must succeed; return what it printed."""
    settings = {"MILEPOST_URL": listener.url, "MILEPOST_SECRET": SECRET}
    env = {"PATH": path, "MILEPOST_BUILD_NUMBER": "b-1", **settings, **more}
    done = subprocess.run([SH, *arguments], env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0
    return done.stdout + done.stderr


def test_report_is_signed_and_taken(listener: Listener, path: str, tmp_path: Path):
    assert run(listener, path, "stage", 'Härten & "more"') == ""
    large = {"builds": [{"name": "x" * 200_000}]}
    (tmp_path / "m.json").write_text(json.dumps(large))
    assert run(listener, path, "manifest", str(tmp_path / "m.json")) == ""
    for post in listener.posts:
        Webhook(SECRET).verify(post.body, post.headers)
    assert listener.posts[0].document["events"][0]["stage"] == 'Härten & "more"'
    assert listener.posts[1].document["manifest"] == large


def test_refusal_and_foreign_answer_are_one_line(listener: Listener, path: str):
    listener.statuses = [401]
    assert "status 401: check MILEPOST_SECRET" in run(listener, path, "stage", "x")
    listener.statuses = [SIGN_IN]
    said = run(listener, path, "stage", "x")
    assert "status 202, but not from a receiver" in said.replace("200", "202")
    assert said.count("\n") == 1
    assert "no answer from" in run(listener, path, "stage", "x", MILEPOST_URL="http://127.0.0.1:1")


def test_newer_fields_are_left_out_for_an_older_receiver(listener: Listener, path: str):
    unknown = receivers(422)
    body = b'{"code": "invalid", "errors": {"run.pipeline": ["Unknown field."]}}'
    listener.statuses = [unknown._replace(body=body), 202]
    assert run(listener, path, "stage", "x", MILEPOST_PIPELINE="p") == ""
    documents = [post.document for post in listener.posts]
    assert [document["run"].get("pipeline") for document in documents] == ["p", None]


def test_bearer_token_is_in_no_argument(listener: Listener, path: str):
    said = run(listener, path, "stage", "x", MILEPOST_SECRET=BEARER)
    assert said.startswith("milepost: not reporting: a bearer token needs curl")
    assert listener.posts == []


def test_installer_fetches_the_shell_hook(receiver: Running, path: str, tmp_path: Path):
    env = {"PATH": path, "MILEPOST_URL": receiver.url, "MILEPOST_BIN": str(tmp_path / "hook")}
    done = subprocess.run(
        ["sh", ROOT / "hooks" / "install.sh"], env=env, capture_output=True, check=True
    )
    assert done.stderr == b""
    assert (tmp_path / "hook" / "milepost-hook").read_bytes() == SH.read_bytes()
