"""Closed, full and broken streams: Packer's own exit code, and no call that never ends."""

import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.packers import HOOK, fake_packer, settings
from tests.support.receivers import BIN

OUTPUT = "".join(f"==> null.x: line {number}\n" for number in range(5_000))
STREAMS = (
    ">&-",
    "2>&-",
    "<&-",
    ">&- 2>&- <&-",
    ">/dev/full",
    "2>/dev/full",
    "| true",
    "2>&1 | true",
)


def environment(folder: Path, url: str) -> dict[str, str]:
    env = settings(folder, MILEPOST_URL=url, MILEPOST_SECRET="whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    return {**env, "PATH": f"{folder}/bin:{BIN}:/usr/bin:/bin", "MILEPOST_BUILD_NUMBER": "x"}


@pytest.mark.parametrize("streams", STREAMS)
def test_exit_code_is_packers_whatever_the_streams_are(tmp_path: Path, streams: str):
    fake_packer(tmp_path, OUTPUT, code=3)
    shell = f"set -o pipefail; {HOOK} packer build . {streams}"
    done = subprocess.run(
        ["bash", "-c", shell],
        cwd=tmp_path,
        env=environment(tmp_path, "http://127.0.0.1:1"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3


def test_sigterm_ends_a_build_whose_output_is_closed(tmp_path: Path):
    fake_packer(tmp_path, "", more=f"touch {tmp_path}/began; exec sleep 300")
    run = subprocess.Popen(
        ["bash", "-c", f"exec {HOOK} packer build . >&-"],
        cwd=tmp_path,
        env=environment(tmp_path, "http://127.0.0.1:1"),
    )
    while not (tmp_path / "began").exists():
        assert run.poll() is None
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=60) == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        ("<(echo secret)", '"$2"'),
        ("-var-file=<(echo secret) .", '"${2#*=}"'),
        ("/dev/stdin <<< secret", '"$2"'),
        ("-var-file=pipe .", '"${2#*=}"'),
    ],
    ids=["template", "variables", "standard input", "named pipe"],
)
def test_what_comes_through_a_pipe_is_packers(tmp_path: Path, arguments: str, file: str):
    fake_packer(tmp_path, "", more=f"[ $1 = build ] && cat {file}")
    shell = f"mkfifo pipe; echo secret >pipe & {HOOK} packer build {arguments} | cat; kill $! || :"
    done = subprocess.run(
        ["bash", "-c", shell],
        cwd=tmp_path,
        env=environment(tmp_path, "http://127.0.0.1:1"),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == b"secret\n"


def test_a_file_of_variables_without_an_end_is_not_read(tmp_path: Path):
    fake_packer(tmp_path, "", code=3)
    done = subprocess.run(
        [HOOK, "packer", "build", "-var-file=/dev/zero", "/dev/zero"],
        cwd=tmp_path,
        env=environment(tmp_path, "http://127.0.0.1:1"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)),
    )
    assert (done.returncode, done.stderr.count(b"Error")) == (3, 0)


def test_each_piece_is_passed_on_before_the_next_one_is_printed(tmp_path: Path):
    fake_packer(tmp_path, "", more=f"printf 'Are you sure? '; read line <{tmp_path}/answer")
    os.mkfifo(tmp_path / "answer")
    run = subprocess.Popen(
        [HOOK, "packer", "build", "."],
        cwd=tmp_path,
        env=environment(tmp_path, "http://127.0.0.1:1"),
        stdout=subprocess.PIPE,
    )
    assert run.stdout
    assert os.read(run.stdout.fileno(), 100) == b"Are you sure? "
    (tmp_path / "answer").write_text("yes\n")
    assert run.communicate(timeout=60)[0] == b""
    assert run.returncode == 0


def test_output_that_takes_no_more_is_waited_for(tmp_path: Path):
    output = "".join(f"==> null.x: line {number}\n" for number in range(200_000))
    fake_packer(tmp_path, output)
    source, sink = os.pipe()
    os.set_blocking(sink, False)  # for all that have it
    run = subprocess.Popen(
        [HOOK, "packer", "build", "."],
        cwd=tmp_path,
        env=environment(tmp_path, "http://127.0.0.1:1"),
        stdout=sink,
    )
    os.close(sink)
    with open(source, "rb") as file:
        assert file.read().decode() == output
    assert run.wait(timeout=60) == 0


def test_what_a_process_prints_that_packer_left_is_passed_on_a_little_longer(tmp_path: Path):
    fake_packer(tmp_path, "", more="(sleep 0.3; printf late) &")
    run = subprocess.run(
        [HOOK, "packer", "build", "."],
        cwd=tmp_path,
        env=environment(tmp_path, "http://127.0.0.1:1"),
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    assert run.stdout == b"late"
