"""What the docs say to paste works as it stands: a sender, the hook, Packer, and the build."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support import ROOT
from tests.support.receivers import BIN, Running, started

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "hooks").rglob("*.md")]
FORGES = ("github", "gitlab", "jenkins", "packer")
PACKER = (ROOT / "docs" / "packer.md").read_text()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def sender(receiver: Running, line: str) -> dict[str, str]:
    """Run a `milepost sender add …` of the docs; gives the settings that it prints."""
    added = receiver.run(*line.split()[1:])
    assert added.returncode == 0, added.stderr
    said = re.findall(r"^(?:export )?(MILEPOST_(?:URL|SECRET))=(\S+)$", added.stdout, re.M)
    settings = {name: value.strip("'\"") for name, value in said}
    path = re.sub(r"^https?://[^/]+", "", settings["MILEPOST_URL"])
    return settings | {"MILEPOST_URL": receiver.url + path}


def test_packer_alone_from_nothing_to_the_first_build(receiver: Running, tmp_path: Path):
    add, fetch, build = blocks(PACKER, "sh")
    (wrapped,) = blocks(PACKER, "text")
    (template,) = blocks(PACKER, "hcl")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"}
    env |= sender(receiver, add) | {"PACKER_CACHE_DIR": str(tmp_path / "cache")}
    folder = tmp_path / "my template"
    folder.mkdir()
    (folder / "golden.pkr.hcl").write_text(template)
    done = subprocess.run(
        ["sh", "-ec", fetch + build],
        cwd=folder,
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "milepost: " not in done.stdout + done.stderr
    number = re.search(r"/builds/(\S+)", done.stdout)
    assert number
    assert number[1] == "my-first-image"
    answer = requests.get(
        f"{receiver.url}/api/v1/builds?image_type=base&os_version=rhel-9", timeout=30
    )
    (shown,) = answer.json()["items"]
    assert (shown["status"], shown["project"], shown["os_version"]) == (
        "completed",
        "core",
        "rhel-9",
    )
    env |= {"MILEPOST_BUILD_NUMBER": "wrapped", "PATH": f"{tmp_path}/.local/bin:{env['PATH']}"}
    subprocess.run(["sh", "-ec", wrapped], cwd=folder, env=env, capture_output=True, check=True)
    assert receiver.build("wrapped-null.example")["status"] == "completed"


def test_every_sender_of_the_docs_can_be_made(receiver: Running):
    texts = [(ROOT / "docs" / f"{page}.md").read_text() for page in FORGES]
    lines = [line for text in texts for line in re.findall(r"milepost (sender add [\w -]+)", text)]
    named = {line.partition("--")[2]: line for line in lines}  # one of each kind
    assert len(named) == 5
    for line in named.values():
        told = receiver.run(*line.replace("add ", "add tried-").split())
        assert told.returncode == 0, told.stderr


def test_the_first_build_of_the_readme(receiver: Running, tmp_path: Path):
    (script,) = (text for text in blocks((ROOT / "README.md").read_text(), "sh") if "eval" in text)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(BIN)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    env = receiver.environment | {"HOME": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-euc", script], cwd=tmp_path, env=env, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    address = done.stdout.split()[-1]
    assert requests.get(address, timeout=30).status_code == 200
    build = receiver.build(address.rpartition("/")[2])
    identity = [build[name] for name in ("project", "platform", "os_version", "image_type")]
    assert (build["status"], identity) == ("completed", ["core", "aws", "rhel-9.4", "base"])
    assert [row["state"] for row in build["states"]] == [15, 25]
    assert [each["region"] for each in build["artifacts"]] == ["us-east-1"]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        if "://" not in target:
            path = page.parent / target if target else page
            assert path.exists(), target
            assert not anchor or anchor in anchors(path), f"{target}#{anchor}"


def test_the_index_links_every_page():
    linked = re.findall(r"\]\((\w+\.md)", (ROOT / "docs" / "index.md").read_text())
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} == set(linked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_the_checkout_exists(page: Path):
    paths = re.findall(r"`((?:docs|hooks|receiver|sql|tests)/[\w./-]+)`", page.read_text())
    assert [path for path in paths if "NNNN" not in path and not (ROOT / path).exists()] == []
