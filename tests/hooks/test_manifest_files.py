"""Manifests as Packer, editors and Windows' tools leave them, and how one is found."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.listeners import Listener
from tests.support.shell_hook import SH
from tests.support.spools import HOOK, settings

KINDS = {"python": [str(HOOK)], "sh": ["sh", str(SH)]}


def document(**more: Any) -> dict[str, Any]:
    entry = {"name": "win", "builder_type": "hyperv-iso", "build_time": int(time.time()), **more}
    return {"builds": [entry], "last_run_uuid": "u"}


def report(kind: str, listener: Listener, folder: Path, *file: str, **more: str) -> str:
    """Report a manifest; return what the hook printed."""
    done = subprocess.run(
        [*KINDS[kind], "manifest", *file],
        env={**settings(folder / "spool", listener.url), **more},
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    return done.stdout + done.stderr


FORMS = {
    "crlf": lambda text: text.replace("\n", "\r\n").encode() + b"\r\n",
    "bom": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "bom and crlf": lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
    "blank first line": lambda text: b"\n \r\n" + text.encode() + b"\n\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_manifest_of_windows_tools_is_taken(
    listener: Listener, tmp_path: Path, kind: str, form: str
):
    path = tmp_path / "m.json"
    path.write_bytes(FORMS[form](json.dumps(document(), indent=2)))
    assert report(kind, listener, tmp_path, "m.json") == ""
    assert listener.posts[0].document["manifest"] == document() | {
        "builds": listener.posts[0].document["manifest"]["builds"]
    }


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_is_taken_by_python_and_named_by_sh(
    listener: Listener, tmp_path: Path, encoding: str
):
    text = json.dumps(document())
    mark = "\ufeff" if encoding != "utf-16" else ""
    (tmp_path / "m.json").write_bytes((mark + text).encode(encoding))
    assert "is UTF-16: save it as UTF-8" in report("sh", listener, tmp_path, "m.json")
    assert listener.posts == []
    if encoding == "utf-16":
        assert report("python", listener, tmp_path, "m.json") == ""


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"builds": null}', '{"builds": []}', '{"name": "app"}', "builds"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_manifest_is_refused(listener: Listener, tmp_path: Path, kind: str, text: str):
    (tmp_path / "m.json").write_text(text)
    assert "m.json holds no manifest" in report(kind, listener, tmp_path, "m.json")
    assert listener.posts == []


@pytest.mark.parametrize(
    "name", ["manifest.json", "packer-manifest.json", "packer-manifest-rhel.json"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_manifest_is_found_without_its_name(
    listener: Listener, tmp_path: Path, kind: str, name: str
):
    (tmp_path / name).write_text(json.dumps(document()))
    (tmp_path / "web.manifest.json").write_text('{"name": "an app", "icons": []}')
    (tmp_path / "old-manifest.json").write_text(json.dumps(document(build_time=1_500_000_000)))
    assert report(kind, listener, tmp_path) == ""
    assert listener.posts[0].document["manifest"]["builds"][0]["name"] == "win"
    marker = report(kind, listener, tmp_path, MILEPOST_WRAPPED="1")
    assert marker == f"milepost: manifest {tmp_path / name}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_hook_says_what_it_looked_for(listener: Listener, tmp_path: Path, kind: str):
    (tmp_path / "manifest.json").write_text(json.dumps(document(build_time=1_500_000_000)))
    said = report(kind, listener, tmp_path)
    assert "no manifest of the last 24 hours" in said
    assert "packer-manifest*.json, *manifest.json; name the file" in said
    for name in ("packer-manifest-a.json", "packer-manifest-b.json"):
        (tmp_path / name).write_text(json.dumps(document()))
    said = report(kind, listener, tmp_path)
    assert "there are packer-manifest-a.json, packer-manifest-b.json: name the file" in said
    assert listener.posts == []


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/proc/self", "/nowhere/m.json"])
@pytest.mark.parametrize("kind", KINDS)
def test_path_that_is_no_file_is_refused_at_once(
    listener: Listener, tmp_path: Path, kind: str, path: str
):
    assert f"{path} holds no manifest" in report(kind, listener, tmp_path, path)
    assert listener.posts == []


def test_large_file_is_not_read(listener: Listener, tmp_path: Path):
    with (tmp_path / "m.json").open("wb") as file:
        file.truncate(2**40)
    assert "at most 5 MiB" in report("python", listener, tmp_path, "m.json")
    assert "no manifest of the last 24 hours" in report("python", listener, tmp_path)
