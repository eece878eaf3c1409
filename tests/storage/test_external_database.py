"""An external PostgreSQL behind DATABASE_URL: it goes away and comes back."""

import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from receiver.storage import migrate
from receiver.storage.embedded import cluster
from tests.support.receivers import Running, started
from tests.support.senders import envelope, stage

TRIES = 40


@pytest.fixture
def folder() -> Iterator[Path]:
    """The data of a server that this test starts and stops."""
    made = Path(tempfile.mkdtemp(prefix="milepost-own-"))
    made.chmod(0o755)
    yield made
    cluster.release(made)
    shutil.rmtree(made, ignore_errors=True)


def test_absent_database_is_503_and_needs_no_restart_when_it_is_back(folder: Path):
    url = cluster.start(folder)
    migrate.migrate(url)
    with started(url) as running:
        assert running.post(envelope(stage("Base"), number="one")).status_code == 202
        cluster.release(folder)
        away = running.post(envelope(stage("Base"), number="two"))
        assert away.status_code == 503
        assert int(away.headers["Retry-After"]) > 0
        ready = requests.get(f"{running.url}/readyz", timeout=30)
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        assert requests.get(f"{running.url}/livez", timeout=30).status_code == 200
        assert cluster.start(folder) == url
        wait_until_accepted(running, "two")
        assert running.build("one")["states"]


def wait_until_accepted(running: Running, number: str) -> None:
    statuses = set()
    for _ in range(TRIES):
        statuses.add(running.post(envelope(stage("Base"), number=number)).status_code)
        if 202 in statuses:
            break
        threading.Event().wait(0.5)
    assert 202 in statuses
    assert statuses <= {202, 503}


def test_several_hosts_are_tried_in_turn(folder: Path):
    url = cluster.start(folder)
    migrate.migrate(url)
    socket_dir = url.partition("host=")[2].partition("&")[0]
    nowhere = "%2Fnowhere"
    several = url.replace(f"host={socket_dir}", f"host={nowhere},{socket_dir}")
    several = several.replace("port=5432", "port=5432,5432&target_session_attrs=read-write")
    with started(several) as running:
        assert running.post(envelope(stage("Base"), number="one")).status_code == 202


def test_no_embedded_server_is_made_beside_an_external_one(folder: Path):
    url = cluster.start(folder)
    migrate.migrate(url)
    with started(url) as running:
        data = Path(running.environment["MILEPOST_DATA_DIR"])
        assert running.post(envelope(stage("Base"))).status_code == 202
        assert running.database_url() == url
        assert not (data / "data").exists()
        assert (data / "secrets").is_dir()
