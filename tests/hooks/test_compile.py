"""`milepost-hook compile`: bytecode in the hook's one file."""

import subprocess
import sys
from pathlib import Path

import pytest

from hooks import archives
from receiver.web.hook_file import FILE
from tests.support.listeners import Listener
from tests.support.spools import NO_RECEIVER, hook, settings


def run(file: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(file), *arguments]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    file = tmp_path / "hook"
    file.write_bytes(FILE.read_bytes())
    done = run(file, "compile")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return file


def stage(file: Path, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    return run(file, "stage", "x", **settings(folder / "spool", url))


def test_sources_are_not_read_where_there_is_bytecode(
    compiled: Path, listener: Listener, tmp_path: Path
):
    contents = archives.read(compiled)
    broken = {name: b"this is no Python" for name in contents if name.endswith(".py")}
    archives.write(compiled, {**contents, **broken})
    done = stage(compiled, tmp_path, listener.url)
    assert (done.returncode, done.stderr, len(listener.posts)) == (0, "", 1)


def test_bytecode_of_another_python_is_left_alone(
    compiled: Path, listener: Listener, tmp_path: Path
):
    contents = archives.read(compiled)
    others = {name: b"\0\0\r\n" + contents[name][4:] for name in contents if name[-4:] == ".pyc"}
    assert len(others) == len(set(contents) & {f"{name}c" for name in contents})
    archives.write(compiled, {**contents, **others})
    done = stage(compiled, tmp_path, listener.url)
    assert (done.returncode, done.stderr, len(listener.posts)) == (0, "", 1)


def test_everything_that_was_in_the_file_stays(compiled: Path):
    before = archives.read(FILE)
    assert before.items() <= archives.read(compiled).items()
    assert compiled.stat().st_mode & 0o111
    assert list(compiled.parent.iterdir()) == [compiled]


def test_installed_package_has_no_file_to_compile(tmp_path: Path):
    done = hook(settings(tmp_path, NO_RECEIVER), "compile")
    assert done.stderr == (
        "milepost: compile works on the one file that a receiver serves at /hook\n"
    )


def test_process_that_runs_from_the_file_finds_its_modules_after_it_was_compiled(tmp_path: Path):
    file = tmp_path / "hook"
    contents = archives.read(FILE)
    archives.write(file, {name: contents[name] for name in contents if name[-4:] != ".pyc"})
    code = "import hooks.errors; print(flush=True); input(); import hooks.summary"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(file)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert run(file, "compile").returncode == 0
        process.communicate(b"\n", timeout=60)
    assert process.returncode == 0
