"""The hook as one file: its content, how a receiver serves it, and that it needs nothing else."""

import ast
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from hooks.bundle import bundle
from receiver.config import Config
from receiver.web import hook_file
from tests.support import ROOT
from tests.support.receivers import Running, started

PACKAGES = ROOT / "build" / "hook"
HOOK = hook_file.FILE


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


def test_build_is_reproducible_and_of_the_present_sources(tmp_path: Path):
    for name in ("one", "two"):
        bundle(PACKAGES, ROOT / "hooks", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == HOOK.read_bytes()


def test_file_holds_requests_and_licenses_and_runs_on_python_3_9():
    with zipfile.ZipFile(HOOK) as archive:
        names = archive.namelist()
        for name in names:
            if name.endswith(".py"):
                ast.parse(archive.read(name), feature_version=(3, 9))
    assert {"requests/__init__.py", "certifi/cacert.pem", "hooks/__main__.py"} <= {*names}
    assert sum("licenses/LICENSE" in name for name in names) >= 4
    assert not [name for name in names if name.endswith((".so", ".pyc"))]


def test_file_reports_with_nothing_installed_and_no_environment(receiver: Running, tmp_path: Path):
    file = tmp_path / "hook with a space"
    file.write_bytes(requests.get(f"{receiver.url}/hook", timeout=30).content)
    env = {
        "MILEPOST_URL": receiver.url,
        "MILEPOST_SECRET": receiver.secrets["milepost"],
        "MILEPOST_BUILD_NUMBER": "one-file",
        "MILEPOST_SPOOL_DIR": str(tmp_path / "spool"),
    }
    for arguments in (["stage", "Storage"], ["done", "--status", "success"], ["check"], ["flush"]):
        command = [sys.executable, "-I", "-S", str(file), *arguments, "--strict"]
        done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    build = receiver.build("one-file")
    assert (build["status"], [row["state"] for row in build["states"]]) == ("completed", [45])


def test_receiver_serves_the_file_to_all(config: Config, serve: Callable[[Config], FlaskClient]):
    client = serve(Config(database_url=config.database_url, data_dir=config.data_dir))
    assert client.get("/builds").status_code == 401
    with client.get("/hook") as answer:
        assert answer.data == HOOK.read_bytes()
        assert answer.headers["Content-Disposition"] == "attachment; filename=milepost-hook.pyz"
    etag = {"If-None-Match": answer.headers["ETag"]}
    with client.get("/hook", headers=etag) as again:
        assert again.status_code == 304
    digest = hashlib.sha256(answer.data).hexdigest()
    assert client.get("/hook.sha256").text == f"{digest}  milepost-hook.pyz\n"


def test_page_shows_the_digest(client: FlaskClient):
    assert hashlib.sha256(HOOK.read_bytes()).hexdigest() in client.get("/").text


def test_missing_file_is_404_and_names_the_command(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(hook_file, "FILE", tmp_path / "missing")
    for path in ("/hook", "/hook.sha256"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")
        assert answer.mimetype == "application/problem+json"
        assert "make hook" in answer.get_json()["detail"]
    assert client.get("/").status_code == 200
