"""Heartbeats from the background of a job, and how they end."""

import subprocess
from pathlib import Path

import psutil
import pytest

from hooks import heartbeat
from hooks.__main__ import parser
from hooks.client import Deadline
from tests.hooks.test_github_action import Runner
from tests.hooks.test_manifest_files import KINDS
from tests.support.ci_variables import GITHUB
from tests.support.hook_calls import FakeClock
from tests.support.listeners import Listener
from tests.support.receivers import Running
from tests.support.spools import settings
from tests.support.waiting import wait_until


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ["file", "process"])
def test_heartbeats_end_with_the_file_or_the_process(
    listener: Listener, tmp_path: Path, kind: str, end: str
):
    file = tmp_path / "heartbeat"
    file.touch()
    env = settings(tmp_path / "spool", listener.url)
    with subprocess.Popen(["sleep", "600"]) as watched:
        command = [*KINDS[kind], "heartbeat", str(file), "--watch", str(watched.pid)]
        with subprocess.Popen(command, env=env) as beating:
            wait_until(lambda: listener.posts)
            file.unlink() if end == "file" else watched.kill()
            watched.poll() if end == "file" else watched.wait()
            assert beating.wait(30) == 0
        watched.kill()
    assert [post.document["events"][0]["kind"] for post in listener.posts] == ["heartbeat"]
    assert not (tmp_path / "spool").exists()


def test_heartbeats_come_once_a_minute_for_eight_hours(listener: Listener, tmp_path: Path):
    file, fake = tmp_path / "heartbeat", FakeClock()
    file.touch()
    env = settings(tmp_path / "spool", listener.url)
    options = parser().parse_args(["heartbeat", str(file)])
    heartbeat.run(options, env, Deadline(clock=fake.clock))
    assert sum(fake.pauses) == 8 * 3600
    assert len(listener.posts) == 8 * 60


def beating(folder: Path) -> list[psutil.Process]:
    name = str(folder / "milepost" / "heartbeat")
    return [
        each for each in psutil.process_iter(["cmdline"]) if name in (each.info["cmdline"] or [])
    ]


def test_action_sends_heartbeats_until_the_job_is_done(receiver: Running, tmp_path: Path):
    job = Runner(tmp_path)
    job.use(url=receiver.url, secret=receiver.secrets["milepost"], build_number="beating")
    wait_until(lambda: beating(job.folder))
    job.use(status="success")
    wait_until(lambda: not beating(job.folder))


def test_action_without_a_secret_sends_none(receiver: Running, tmp_path: Path):
    job = Runner(tmp_path)
    job.use(url=receiver.url)
    assert beating(job.folder) == []


MATRIX = '{\n  "os": "rhel-9",\n  "%s": "%s"\n}'


@pytest.mark.parametrize(
    ("matrix", "leg"),
    [
        ("null", ""),
        ('{\n  "os": "rhel-9"\n}', ""),
        (MATRIX % ("type", "base"), ""),
        (MATRIX % ("cloud", "azure"), "3"),
        ('{\n  "os": "rhel-9",\n  "cloud": {\n    "name": "azure"\n  }\n}', "3"),
    ],
)
def test_legs_that_nothing_tells_apart_have_their_index(
    receiver: Running, tmp_path: Path, matrix: str, leg: str
):
    job = Runner(tmp_path)
    job.use(url=receiver.url, os_version="rhel-9", image_type="base", matrix=matrix, job_index="3")
    shown = job.run("milepost-hook check").stdout
    number = f"acme.images-500-rhel-9-base{leg and '-' + leg}"
    assert f"{number}   (GITHUB_REPOSITORY" in shown
    assert ("(azure) is in no setting" in shown) == ("azure" in matrix and "name" not in matrix)


def test_leg_is_part_of_the_shell_hooks_number(listener: Listener, tmp_path: Path):
    env = {**settings(tmp_path, listener.url), **GITHUB, "MILEPOST_LEG": "3"}
    del env["MILEPOST_BUILD_NUMBER"]
    for command in KINDS.values():
        subprocess.run([*command, "stage", "x"], env=env, check=True)
    numbers = {post.document["build"]["number"] for post in listener.posts}
    assert numbers == {"acme.images-500-image-3"}
