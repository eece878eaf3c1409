"""A defect of a parser, too little memory and a full disk lose no delivery."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from msgspec import structs

from receiver.cli.main import main
from receiver.config import Config
from receiver.domain.delivery import Content, Request
from receiver.domain.model import Json
from receiver.sources import SOURCES
from tests.support.forges import SECRETS, post_gitlab
from tests.support.samples import ROUTE_FILE, sample
from tests.support.senders import envelope, post, stage


@pytest.fixture
def settings(config: Config) -> Config:
    secrets = {"milepost": config.secrets["milepost"], "gitlab": (SECRETS["gitlab"],)}
    return replace(config, routes=ROUTE_FILE, secrets=secrets)


def broken(_: Request, _document: Json) -> Content:
    raise KeyError("a secret of the delivery")


def replay(settings: Config) -> str:
    """Return the output of `milepost replay --quarantined`."""
    env = {
        "DATABASE_URL": settings.database_url,
        "MILEPOST_DATA_DIR": str(settings.data_dir),
        "MILEPOST_ROUTES": str(settings.routes),
        "MILEPOST_SECRET_GITLAB": SECRETS["gitlab"],
    }
    return CliRunner().invoke(main, ["replay", "--quarantined"], env=env).stdout


def test_a_delivery_that_breaks_a_parser_is_quarantined_and_can_be_replayed(
    serve: Callable[[Config], FlaskClient],
    settings: Config,
    monkeypatch: pytest.MonkeyPatch,
):
    client = serve(settings)
    with monkeypatch.context() as patch:
        patch.setitem(SOURCES, "gitlab", structs.replace(SOURCES["gitlab"], parse=broken))
        answer = post_gitlab(client, sample("gitlab", "job.success"))
    assert (answer.status_code, answer.get_json()["outcome"]) == (202, "quarantined")
    (delivery,) = client.get("/api/v1/deliveries").get_json()["items"]
    assert delivery["reason"].startswith("a defect of Milepost: KeyError in test_accept.py:")
    assert "a secret of the delivery" not in delivery["reason"]
    assert "1 stored" in replay(settings)
    (build,) = client.get("/api/v1/builds").get_json()["items"]
    assert build["status"] == "completed"


def test_a_delivery_that_does_not_fit_into_memory_is_503_and_can_be_sent_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    def too_much(_: Request, _document: Json) -> Content:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setitem(SOURCES, "milepost", structs.replace(SOURCES["milepost"], parse=too_much))
        answer = post(client, envelope(stage("Base")))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert client.get("/api/v1/deliveries").get_json()["items"] == []
    assert post(client, envelope(stage("Base"))).status_code == 202


def test_a_log_line_that_cannot_be_written_raises_no_error():
    code = "import os; from receiver import log; log.configure(); log.get().info('x'); os._exit(7)"
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, check=False)
    assert done.returncode == 7
