"""A receiver's processes, its connections' name, and what SIGHUP reads again."""

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.forges import workflow_job
from tests.support.receivers import Running, started
from tests.support.samples import sample
from tests.support.senders import envelope, proof, stage


def until(condition: Callable[[], object]) -> None:
    for _ in range(600):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("not within 30 s")


def workers(receiver: Running) -> list[psutil.Process]:
    return psutil.Process(receiver.process.pid).children()


def names_of_connections(url: str) -> set[str]:
    statement = "SELECT application_name FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute(statement) if name}


@pytest.mark.parametrize(("count", "threads"), [(1, 1), (3, 2)])
def test_workers_and_threads_are_settings(url: str, count: int, threads: int):
    settings = {"MILEPOST_WORKERS": str(count), "MILEPOST_THREADS": str(threads)}
    with started(url, **settings) as receiver:
        until(lambda: len(workers(receiver)) == count)
        for place in range(4):
            said = envelope(stage("Base"), number=f"b-{place}")
            assert receiver.post(said).status_code == 202


@pytest.mark.parametrize(("more", "name"), [("", "milepost/"), ("&application_name=left", "left")])
def test_connections_are_named_after_their_host_unless_the_url_names_them(
    url: str, more: str, name: str
):
    with started(url + more) as receiver:
        assert receiver.post(envelope(stage("Base"))).status_code == 202
        assert any(each.startswith(name) for each in names_of_connections(url))


def answer(receiver: Running, secret: str) -> int:
    """Return the status of a delivery of GitHub that this secret signs."""
    receiver.secrets["github"] = secret
    body = json.dumps(workflow_job("queued")).encode()
    headers = proof("github", secret, body) | {"X-GitHub-Event": "workflow_job"}
    return receiver._post("github", body, headers).status_code


def test_sighup_reads_secret_files_again(url: str, tmp_path: Path):
    file = tmp_path / "github"
    file.write_text("the old secret")
    settings = {"MILEPOST_SECRET_GITHUB": "", "MILEPOST_SECRET_GITHUB_FILE": str(file)}
    with started(url, **settings) as receiver:
        assert answer(receiver, "the old secret") == 202
        file.write_text("the new secret\nanother one")
        assert answer(receiver, "the new secret") == 401
        receiver.process.send_signal(signal.SIGHUP)
        until(lambda: answer(receiver, "the new secret") in (200, 202))
        until(lambda: answer(receiver, "the old secret") == 401)
        assert answer(receiver, "another one") in (200, 202)


def post_event(receiver: Running, token: str) -> int:
    """Return the status of a CloudEvent with this bearer token."""
    event = sample("cloudevents", "pipelinerun.finished")
    headers = {"Authorization": f"Bearer {token}"}
    headers["Content-Type"] = "application/cloudevents+json"
    return receiver._post("cloudevents", json.dumps(event).encode(), headers).status_code


def test_sighup_keeps_what_it_had_where_a_file_is_wrong(url: str, tmp_path: Path):
    file = tmp_path / "cloudevents"
    file.write_text("bearer:a-token-of-the-first-file")
    settings = {"MILEPOST_SECRET_CLOUDEVENTS": "", "MILEPOST_SECRET_CLOUDEVENTS_FILE": str(file)}
    with started(url, **settings) as receiver:
        until(lambda: len(workers(receiver)) == 2)
        before = {each.pid for each in workers(receiver)}
        file.write_text("no secret of ours")
        receiver.process.send_signal(signal.SIGHUP)
        until(lambda: before.isdisjoint({each.pid for each in workers(receiver)}))
        until(lambda: "settings refused" in "".join(receiver.log))
        assert post_event(receiver, "a-token-of-the-first-file") == 202
