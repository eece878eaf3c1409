"""/metrics of an app and of a running receiver; the dashboard and the alerts that read it."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psutil
import psycopg
import pytest
import requests
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from receiver.config import Config
from tests.support import ROOT
from tests.support.receivers import MILEPOST, Running, started
from tests.support.senders import (
    COMBINATION,
    envelope,
    manifest,
    post,
    post_manifest,
    stage,
    verdict,
)

DEPLOY = ROOT / "deploy"
SCRAPED = {"up"}  # Prometheus' own
NAME = re.compile(r"\b(?:milepost|cicd|db_client|http|process|up)(?:_\w+)?(?=[\s{\[)]|$)")

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def value(metrics: Samples, name: str, **labels: str) -> float:
    return metrics[(name, frozenset(labels.items()))]


def scrape(client: FlaskClient) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.content_type.startswith("text/plain; version=0.0.4")
    return samples(response.text)


def expressions() -> Iterator[str]:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "milepost.rules.yml").read_text())
    for group in rules["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((DEPLOY / "grafana" / "milepost.json").read_bytes())
    return found


def test_metrics_of_dashboard_and_alerts_exist(client: FlaskClient):
    for run in ("n-1", "n-2", "n-3"):  # of so many builds the next is expected
        events = (stage("Base", state=15), verdict("completed", 9))
        post(client, envelope(*events, number=run, run=run, build=COMBINATION))
    exposed = {name for name, _ in scrape(client)} | SCRAPED
    used = {name for expression in expressions() for name in NAME.findall(expression)}
    labels = {"cicd_pipeline_run_state", "cicd_pipeline_run_result", "db_client_connection_state"}
    assert len(used) > 12
    assert used - labels <= exposed


def test_alerts_are_complete_and_have_unique_names():
    rules = yaml.safe_load((DEPLOY / "prometheus" / "milepost.rules.yml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) >= 7
    for rule in alerts:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_panels_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        box = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(box["x"], box["x"] + box["w"])
            for y in range(box["y"], box["y"] + box["h"])
        }
        assert not cells & taken
        taken |= cells


def test_every_answer_to_a_delivery_is_counted(client: FlaskClient):
    document = envelope(stage("Base"))
    post(client, document, message_id="msg_1")
    post(client, document, message_id="msg_1")
    post(client, document, headers={"Authorization": "Bearer wrong"})
    post(client, envelope(number="not a number"))
    post(client, envelope({"kind": "heartbeat", "at": "2026-01-01T10:00:00Z"}))
    post_manifest(client, manifest({}), "build_number=a")
    client.post("/webhooks/some-name-of-the-sender", data=b"{}", content_type="application/json")
    found = scrape(client)
    counted = {
        tuple(sorted(dict(labels).items())): count
        for (name, labels), count in found.items()
        if name == "milepost_deliveries_total"
    }
    counts = {(dict(labels)["source"], dict(labels)["outcome"]): n for labels, n in counted.items()}
    assert counts == {
        ("milepost", "stored"): 1,
        ("milepost", "duplicate"): 1,
        ("milepost", "unauthorized"): 1,
        ("milepost", "invalid"): 1,
        ("milepost", "heard"): 1,
        ("packer", "stored"): 1,
        ("unknown", "not-found"): 1,
    }
    assert value(found, "milepost_ingest_duration_seconds_count", source="milepost") == 3


def test_builds_are_counted_by_status_and_duration(client: FlaskClient):
    now = datetime.now(UTC)
    base = stage("Base", "started", state=15), stage("Base", "completed", 5, state=15)
    post(client, envelope(*base, verdict("completed", 10), number="good"))
    post(client, envelope(*base, verdict("failed", 60), number="bad"))
    running = {"kind": "stage", "stage": "Base", "status": "started", "at": now.isoformat()}
    post(client, envelope(running, number="runs", run="run-2"))
    found = scrape(client)
    statuses = {"completed": 1, "failed": 1, "running": 1, "pending": 0, "cancelled": 0}
    for status, count in statuses.items():
        assert value(found, "milepost_builds", status=status) == count
    assert value(found, "cicd_pipeline_run_active", cicd_pipeline_run_state="executing") == 1
    stages = "cicd_pipeline_task_run_duration_seconds"
    assert value(found, f"{stages}_bucket", state="15", le="120.0") == 0
    assert value(found, f"{stages}_bucket", state="15", le="300.0") == 2  # five minutes are in it
    assert value(found, f"{stages}_sum", state="15") == 600
    runs = "cicd_pipeline_run_duration_seconds"
    assert value(found, f"{runs}_bucket", cicd_pipeline_run_result="success", le="+Inf") == 1
    assert value(found, f"{runs}_sum", cicd_pipeline_run_result="failure") == 3600


def test_a_silent_build_is_stalled(client: FlaskClient, url: str):
    post(client, envelope(stage("Base"), {"kind": "heartbeat", "at": "2026-01-01T10:00:00Z"}))
    assert value(scrape(client), "milepost_builds_stalled") == 0
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE builds SET last_heard_at = %s", [datetime.now(UTC) - HOUR])
    assert value(scrape(client), "milepost_builds_stalled") == 1


HOUR = timedelta(hours=1)


def test_labels_are_of_fixed_sets(client: FlaskClient):
    free = "a stage that a sender named"
    post(client, envelope(stage(free), stage(free, "completed", 3), verdict("completed", 5)))
    assert free not in client.get("/metrics").text


def test_closed_metrics_need_a_token_that_reads_everything(
    serve: Callable[[Config], FlaskClient], config: Config, token: Callable[..., str]
):
    closed = serve(replace(config, public_read=False))
    assert closed.get("/metrics").status_code == 401
    for made, status in ((token("read"), 200), (token("read", "--project", "core"), 403)):
        headers = {"Authorization": f"Bearer {made}"}
        assert closed.get("/metrics", headers=headers).status_code == status


def test_other_metrics_are_served_without_a_database(
    serve: Callable[[Config], FlaskClient], config: Config
):
    away = serve(replace(config, database_url="postgresql://127.0.0.1:1/none"))
    found = scrape(away)
    assert value(found, "milepost_database_up") == 0
    assert value(found, "db_client_connection_max") == 4


@pytest.fixture
def receiver(url: str) -> Iterator[Running]:
    with started(url) as running:
        yield running


def test_metrics_add_up_workers_and_drop_the_connections_of_a_dead_one(receiver: Running):
    def read() -> Samples:
        return samples(requests.get(f"{receiver.url}/metrics", timeout=30).text)

    def workers() -> list[psutil.Process]:
        return psutil.Process(receiver.process.pid).children()

    for place in range(20):
        assert receiver.post(envelope(stage("Base"), number=f"many-{place}")).status_code == 202
    found = read()
    assert value(found, "milepost_deliveries_total", source="milepost", outcome="stored") == 20
    for _ in range(100):  # until both workers answered once
        if value(found, "db_client_connection_max") == 8:
            break
        found = read()
    assert value(found, "db_client_connection_max") == 8
    gone = workers()[0].pid
    os.kill(gone, signal.SIGKILL)
    for _ in range(200):
        alive = [each.pid for each in workers()]
        if gone not in alive and len(alive) == 2:
            break
        threading.Event().wait(0.1)
    found = read()
    assert value(found, "milepost_deliveries_total", source="milepost", outcome="stored") == 20
    assert value(found, "db_client_connection_max") <= 8


def test_a_worker_that_answers_nothing_shows_its_pool(receiver: Running):
    with requests.Session() as session:  # one connection, and so one worker
        for _ in range(100):
            found = samples(session.get(f"{receiver.url}/metrics", timeout=30).text)
            if value(found, "db_client_connection_max") == 8:
                break
            threading.Event().wait(0.1)
    assert value(found, "db_client_connection_max") == 8


def folders(process: int) -> list[Path]:
    return list(Path("/dev/shm").glob(f"milepost-metrics-{process}-*"))


def test_counters_are_deleted_when_the_receiver_ends(url: str):
    with started(url) as running:
        assert folders(running.process.pid)
    assert not folders(running.process.pid)


def test_receiver_that_cannot_listen_leaves_no_counters(url: str, tmp_path: Path):
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "MILEPOST_DATA_DIR": str(tmp_path)}
    command = [str(MILEPOST), "serve", "--bind", "192.0.2.1:80"]  # an address of nobody's
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.wait(60)
    assert not folders(process.pid)
