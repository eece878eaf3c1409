"""What a receiver is made of: everything pinned by its digest, and listed."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import orjson
import pytest

import hooks
import receiver
from receiver.web.hook_file import FILE
from tests.support import ROOT

CYCLONEDX = Path(sys.executable).with_name("cyclonedx-py")
LOCKS = ["requirements.lock", "hooks/requirements.lock"]


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    newest = re.search(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest
    assert project["version"] == newest[1] == receiver.__version__ == hooks.__version__


def pinned(text: str) -> set[tuple[str, str]]:
    return {(name, version) for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.M)}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_bill_of_materials_lists_what_is_pinned_with_its_digests(lock: str, tmp_path: Path):
    made = tmp_path / "sbom.json"
    subprocess.run(
        [CYCLONEDX, "requirements", "--output-reproducible", "-o", made, ROOT / lock],
        check=True,
        capture_output=True,
    )
    components = orjson.loads(made.read_bytes())["components"]
    listed = {(each["name"], each["version"]) for each in components}
    assert listed == pinned((ROOT / lock).read_text())
    assert all(each["externalReferences"][0]["hashes"] for each in components)


def test_hooks_file_ends_no_build_under_an_older_python():
    with zipfile.ZipFile(FILE) as archive:
        start = archive.read("__main__.py").decode().partition("import certifi")[0]
    older = start.replace("sys.version_info", "(3, 9)")
    for arguments, code in ((["stage", "x"], 0), (["packer", "--version"], 0)):
        done = subprocess.run(
            [sys.executable, "-c", older, *arguments], text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (
            code,
            "milepost: not reporting: the hook needs Python 3.10 or newer\n",
        )
