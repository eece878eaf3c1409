"""Resume points, stalled builds and leftovers: in the API, on pages and from the hook."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from hooks.resume import resume_point
from receiver.config import load
from receiver.errors import ConfigError
from tests.support import ROOT
from tests.support.receivers import BIN, Running, started
from tests.support.senders import at, envelope, get_build, post, stage, verdict

Json = dict[str, Any]
CHAIN = ROOT / "hooks" / "packer" / "resumable" / "build.sh"


PAGE = "/builds/core-1"


def artifact(minutes: float, name: str = "ami-1", **more: Any) -> Json:
    document = {"artifact_id": name, "checksum": "sha256:abc"}
    return {"kind": "artifact", "at": at(minutes), "artifact": document, **more}


def resource(status: str, minutes: float, name: str = "i-1") -> Json:
    document = {"type": "instance", "id": name}
    return {"kind": "resource", "status": status, "at": at(minutes), "resource": document}


FAILED_AT_55 = [
    stage("Base configuration", minutes=0),
    stage("Users and authentication", minutes=5),
    stage("Services", minutes=10),
    verdict("failed", 12),
]


def test_an_artifact_of_the_last_completed_state_makes_resume_safe(client: FlaskClient):
    post(client, envelope(*FAILED_AT_55, artifact(9)))
    resume = get_build(client)["resume"]
    assert (resume["state"], resume["safe"]) == (55, True)
    assert (resume["artifact"]["artifact_id"], resume["artifact"]["state"]) == ("ami-1", 50)
    assert resume["artifact"]["checksum"] == "sha256:abc"


@pytest.mark.parametrize(
    "artifacts", [[], [artifact(3)], [artifact(9, state=15)], [artifact(9, state=60)]]
)
def test_any_other_artifact_leaves_resume_unsafe(client: FlaskClient, artifacts: list[Json]):
    post(client, envelope(*FAILED_AT_55, *artifacts))
    assert get_build(client)["resume"] == {"state": 55, "safe": False, "artifact": None}


def test_an_artifact_is_no_verdict(client: FlaskClient):
    post(client, envelope(stage("Base configuration"), artifact(3)))
    assert get_build(client)["status"] == "running"


def test_a_resumed_attempt_uses_the_artifact_of_the_first(client: FlaskClient):
    post(client, envelope(*FAILED_AT_55, artifact(9)))
    again = [stage("Services", minutes=20), verdict("failed", 22)]
    post(client, envelope(*again, run="run-2", run_more={"resumed_from": 55}))
    build = get_build(client)
    assert (build["attempt"], build["resumed_from"], build["saved_seconds"]) == (2, 55, 600)
    assert (build["resume"]["state"], build["resume"]["safe"]) == (55, True)


def test_an_attempt_from_the_beginning_uses_no_earlier_artifact(client: FlaskClient):
    post(client, envelope(*FAILED_AT_55, artifact(9)))
    post(client, envelope(stage("Services", minutes=20), verdict("failed", 22), run="run-2"))
    build = get_build(client)
    assert (build["resume"]["safe"], build["saved_seconds"]) == (False, None)


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_an_unsuccessful_build_lists_its_unremoved_resources(client: FlaskClient, status: str):
    events = [resource("created", 0), resource("created", 1, "i-2"), resource("removed", 3, "i-2")]
    post(client, envelope(stage("x"), *events, verdict(status, 5)))
    build = get_build(client)
    assert [each["id"] for each in build["left_behind"]] == ["i-1"]
    assert [(each["id"], each["removed"]) for each in build["resources"]] == [
        ("i-1", False),
        ("i-2", True),
    ]
    assert "May have left resources behind" in client.get("/builds/core-1").text


def test_a_build_with_an_artifact_left_nothing_behind(client: FlaskClient):
    post(client, envelope(resource("created", 0), artifact(3), verdict("failed", 5)))
    assert get_build(client)["left_behind"] == []


def silent_for(url: str, minutes: float) -> None:
    """Move what the receiver heard of every build into the past."""
    with psycopg.connect(url) as connection:
        moment = datetime.now(UTC) - timedelta(minutes=minutes)
        connection.execute("UPDATE builds SET last_heard_at = %s", [moment])


@pytest.mark.parametrize(
    ("beats", "minutes", "stalled"), [(True, 16, True), (True, 14, False), (False, 16, False)]
)
def test_a_running_build_without_its_heartbeats_is_stalled(
    client: FlaskClient, url: str, beats: bool, minutes: float, stalled: bool
):
    beat = [{"kind": "heartbeat", "at": at(1)}] if beats else []
    post(client, envelope(stage("Storage"), resource("created", 0), *beat))
    silent_for(url, minutes)
    build = get_build(client)
    assert (build["stalled"], build["status"], build["current_state"]) == (stalled, "running", 45)
    assert bool(build["left_behind"]) is stalled
    for page, mark in (("/", "status stalled"), ("/builds", "status stalled"), (PAGE, "Stalled.")):
        assert (mark in client.get(page).text) is stalled


def test_a_heartbeat_ends_a_stall(client: FlaskClient, url: str):
    beat = envelope({"kind": "heartbeat", "at": at(1)})
    post(client, envelope(stage("Storage")))
    post(client, beat)
    silent_for(url, 20)
    assert get_build(client)["stalled"]
    post(client, beat)
    assert not get_build(client)["stalled"]


def test_an_ended_build_is_never_stalled(client: FlaskClient, url: str):
    post(client, envelope({"kind": "heartbeat", "at": at(1)}, verdict("failed")))
    silent_for(url, 20)
    assert not get_build(client)["stalled"]


def test_the_time_until_a_stall_is_a_setting():
    assert load({"MILEPOST_STALL_AFTER": "2m"}).stall_after == timedelta(minutes=2)
    assert load({"MILEPOST_STALL_AFTER": "90"}).stall_after == timedelta(seconds=90)
    assert load({}).stall_after == timedelta(minutes=15)
    for wrong in ("soon", "0", "-1", "1 week"):
        with pytest.raises(ConfigError, match="MILEPOST_STALL_AFTER"):
            load({"MILEPOST_STALL_AFTER": wrong})


KEPT = {"artifact_id": "File", "files": [{"name": "x.img"}], "checksum": "sha256:abc"}


@pytest.mark.parametrize(
    ("resume", "assume_kept", "state", "code"),
    [
        ({"state": 55, "safe": True, "artifact": KEPT}, False, 55, 0),
        ({"state": 55, "safe": False, "artifact": None}, False, 0, 3),
        ({"state": 55, "safe": False, "artifact": None}, True, 55, 0),
        ({"state": None, "safe": False, "artifact": None}, False, 100, 4),
    ],
)
def test_the_resume_point_gives_a_state_and_an_exit_code(
    resume: Json, assume_kept: bool, state: int, code: int
):
    point = resume_point({"attempt": 1, "resume": resume}, assume_kept)
    assert (point["state"], point["exit_code"]) == (state, code)
    assert point["start_from"] == ("x.img" if resume["safe"] else "")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


def run(
    receiver: Running, folder: Path, *command: str | Path, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(folder),
        "CHECKPOINT_DISABLE": "1",
        "MILEPOST_URL": receiver.url,
        "MILEPOST_SECRET": receiver.secrets["milepost"],
        "MILEPOST_BUILD_NUMBER": "chain",
    }
    return subprocess.run(
        command, cwd=folder, env=environment | more, text=True, capture_output=True, check=False
    )


def test_a_chain_resumes_from_the_artifact_before_its_failure(receiver: Running, tmp_path: Path):
    assert run(receiver, tmp_path, CHAIN, "-var", "fail=yes").returncode == 1
    resume = ["milepost-hook", "resume", "--target", "file.image"]
    failed = json.loads(run(receiver, tmp_path, *resume, "--json").stdout)
    assert (failed["state"], failed["safe"], failed["attempt"]) == (55, True, 1)
    assert failed["start_from"] == "image-hardened.txt"
    assert failed["checksum"].startswith("sha256:")
    again = run(receiver, tmp_path, CHAIN)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "image-base.txt" not in again.stdout
    build = receiver.build("chain-file.image")
    assert (build["status"], build["attempt"], build["resumed_from"]) == ("completed", 2, 55)
    assert build["saved_seconds"] > 0
    done = run(receiver, tmp_path, *resume, "--exit-code")
    assert (done.returncode, done.stdout) == (4, "100\n")


@pytest.mark.parametrize("away", [{}, {"MILEPOST_URL": "http://127.0.0.1:1"}])
def test_an_unknown_build_starts_from_the_beginning(
    receiver: Running, tmp_path: Path, away: dict[str, str]
):
    done = run(receiver, tmp_path, "milepost-hook", "resume", "--build-number", "none", **away)
    assert (done.returncode, done.stdout) == (0, "0\n")
    assert done.stderr.startswith("milepost: ")
