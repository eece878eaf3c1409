"""`/metrics` for Prometheus: the counters of this receiver's workers, and figures of the database.

Builds are pipeline runs and stages are task runs of OpenTelemetry's conventions, with units at the
end of their names: https://opentelemetry.io/docs/specs/semconv/cicd/cicd-metrics/. The pool has the
names of https://opentelemetry.io/docs/specs/semconv/database/database-metrics/. All other names
begin with `milepost_`. A label is one of a fixed set, never a text from a sender, save the names of
images: see image_metrics.py.
"""

import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, current_app, g, request
from flask.blueprints import BlueprintSetupState

from receiver.domain.model import BUILD_STATUSES
from receiver.errors import Unavailable
from receiver.ingest.limits import limits
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage.commits import COMMITS
from receiver.storage.statistics import Metrics, build_metrics
from receiver.web.auth import require_read
from receiver.web.context import services
from receiver.web.image_metrics import ImageCollector
from receiver.web.settings_metrics import SettingsCollector

if TYPE_CHECKING:
    from prometheus_client.core import Metric

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is first imported
INGEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DURATION_SECONDS = (10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
RESULTS = {"completed": "success", "failed": "failure", "cancelled": "cancellation"}
STATES = {"pending": "pending", "running": "executing"}
COUNTS = {
    "stalled": (
        "milepost_builds_stalled",
        "Running builds without a heartbeat for MILEPOST_STALL_AFTER.",
    ),
    "overdue": (
        "milepost_builds_overdue",
        "Running builds that take longer than usual or than they may.",
    ),
    "lost": ("milepost_builds_lost", "Builds that ended unseen; they count as failed."),
    "failed_images": (
        "milepost_images_failed",
        "Images whose newest ended build failed or is lost; resolving changes nothing.",
    ),
    "acknowledged_images": (
        "milepost_images_acknowledged",
        "Failed images all of whose failures somebody resolved.",
    ),
    "open_failures": (
        "milepost_failures_open",
        "Failures that nobody resolved, of failed builds since the last good one of their image.",
    ),
    "undelivered": (
        "milepost_notices_undelivered",
        "Messages of notices that failed and are tried again or, in the last day, were given up; "
        "and news that nobody evaluates since 5 minutes.",
    ),
    "quarantined": (
        "milepost_deliveries_quarantined",
        "Deliveries in quarantine, at most 10,000.",
    ),
}
RUN = "cicd_pipeline_run"
TASK = "cicd_pipeline_task_run"

blueprint = Blueprint("metrics", __name__)


class Instruments:
    """The counters of one worker; `/metrics` adds up those of all workers."""

    def __init__(self) -> None:
        # Imported once the folder is known: in the worker, or in a process of its own.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "milepost_deliveries",
            "Requests to /webhooks by outcome: stored, ignored, quarantined, duplicate, heard "
            "(heartbeats), or the code of the refusal.",
            ["source", "outcome"],
            registry=self.registry,
        )
        self.refused = Counter(
            "milepost_deliveries_refused",
            "Refused requests to /webhooks of a known sender, by code.",
            ["source", "sender", "code"],
            registry=self.registry,
        )
        self.refused_last = Gauge(
            "milepost_deliveries_refused_last_timestamp_seconds",
            "Time of the newest of them.",
            ["source", "sender", "code"],
            multiprocess_mode="mostrecent",
            registry=self.registry,
        )
        self.ingest = Histogram(
            "milepost_ingest_duration_seconds",
            "Time to store a delivery, from its first byte to the commit.",
            ["source"],
            buckets=INGEST_SECONDS,
            registry=self.registry,
        )
        self._add_pool()

    def _add_pool(self) -> None:
        from prometheus_client import Gauge

        connections = Gauge(
            "db_client_connection_count",
            "Connections to the database by state: idle or used.",
            ["db_client_connection_state"],
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self.idle, self.used = connections.labels("idle"), connections.labels("used")
        self.maximum = Gauge(
            "db_client_connection_max",
            "Maximum connections of the pools.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self.waiting = Gauge(
            "db_client_connection_pending_requests",
            "Requests that wait for a connection.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )

        self.commit_waiting = Gauge(
            "milepost_commit_waiting_seconds",
            "How long a commit is not answered, most of a worker; the standby does not confirm. "
            "No change is taken meanwhile.",
            multiprocess_mode="livemax",
            registry=self.registry,
        )

    def note_pool(self, stats: dict[str, int]) -> None:
        """Set the gauges to psycopg_pool's figures of this worker."""
        self.commit_waiting.set(COMMITS.waiting_seconds())
        idle, size = stats.get("pool_available", 0), stats.get("pool_size", 0)
        self.idle.set(idle)
        self.used.set(size - idle)
        self.maximum.set(stats.get("pool_max", 0))
        self.waiting.set(stats.get("requests_waiting", 0))


class DatabaseCollector:
    """Metrics of the database, read at each scrape."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator["Metric"]:
        """Yield whether the database answers and, if so, its figures."""
        from prometheus_client.core import GaugeMetricFamily

        try:
            current = build_metrics(
                self._services.database,
                self._services.rules.projects().serving,
                limits(self._services.config, self._services.rules),
                datetime.now(UTC),
                DURATION_SECONDS,
            )
        except Unavailable:
            yield GaugeMetricFamily("milepost_database_up", "1 if the database answers.", 0)
            return
        yield GaugeMetricFamily("milepost_database_up", "1 if the database answers.", 1)
        yield from _counts(current)
        yield _durations(
            current,
            "run",
            RUN,
            f"{RUN}_result",
            "Duration of finished builds, of the newest 1,000 in 7 days.",
        )
        yield _durations(
            current,
            "stage",
            TASK,
            "state",
            "Duration of completed stages by state code, of the same builds.",
        )


@blueprint.record_once
def _begin(state: BlueprintSetupState) -> None:
    state.app.extensions["milepost_metrics"] = Instruments()


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return all metrics as text; needs a token of scope read, or a public receiver."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
    from prometheus_client.multiprocess import MultiProcessCollector

    require_read()
    counters = instruments(current_app)
    note_pool(current_app)
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(counters.registry)
    registry.register(SettingsCollector(services()))
    registry.register(DatabaseCollector(services()))
    registry.register(ImageCollector(services()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def count(response: Response) -> Response:
    """Count a request to /webhooks."""
    counters = instruments(current_app)
    name = (request.view_args or {}).get("source_name", "")
    source = name if name in SOURCES else "unknown"
    outcome = g.get("outcome") or g.get("reason") or "error"
    counters.deliveries.labels(source, outcome).inc()
    if response.status_code >= 400:
        _count_refusal(counters, source, outcome)
    if response.status_code < 300:
        counters.ingest.labels(source).observe(time.perf_counter() - g.began)
    return response


def note_pool(app: Flask) -> None:
    """Note the state of this worker's pool; the metrics of another worker show it, too."""
    instruments(app).note_pool(app.extensions["milepost"].database.stats())


def _count_refusal(counters: Instruments, source: str, code: str) -> None:
    """Count a refusal of a sender that is set up: names of others are texts of anybody."""
    sender = g.get("log_fields", {}).get("sender")
    if sender is not None:
        counters.refused.labels(source, sender, code).inc()
        counters.refused_last.labels(source, sender, code).set(time.time())


def instruments(app: Flask) -> Instruments:
    """Return the counters of an app."""
    counters: Instruments = app.extensions["milepost_metrics"]
    return counters


def _counts(current: Metrics) -> Iterator["Metric"]:
    from prometheus_client.core import GaugeMetricFamily

    counts = current.counts
    builds = GaugeMetricFamily(
        "milepost_builds", "Builds of the last 24 hours, at most 10,000.", labels=["status"]
    )
    for status in BUILD_STATUSES:
        builds.add_metric([status], counts["builds"].get(status, 0))
    yield builds
    active = GaugeMetricFamily(
        f"{RUN}_active",
        "Running builds, at most 10,000; pending ones of the last 24 hours.",
        labels=[f"{RUN}_state"],
    )
    active.add_metric(["pending"], counts["builds"].get("pending", 0))
    active.add_metric(["executing"], counts["running"])
    yield active
    for count, (name, text) in COUNTS.items():
        yield GaugeMetricFamily(name, text, counts[count])
    if counts["last_delivery_at"]:
        name, text = "milepost_last_delivery_timestamp_seconds", "Time of the newest delivery."
        yield GaugeMetricFamily(name, text, counts["last_delivery_at"].timestamp())


def _durations(current: Metrics, kind: str, name: str, label: str, text: str) -> "Metric":
    """Return a histogram of a window of time: rate() of it has no meaning."""
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(f"{name}_duration_seconds", text, labels=[label])
    rows = [row for row in current.durations if row["kind"] == kind]
    for value in sorted({row["label"] for row in rows}):
        own = [row for row in rows if row["label"] == value]
        counts = {row["bucket"]: row["count"] for row in own}
        shown = RESULTS[value] if kind == "run" else value
        seconds = float(sum(row["seconds"] for row in own))
        family.add_metric([shown], buckets=_buckets(counts), sum_value=seconds)
    return family


def _buckets(counts: dict[int, int]) -> list[tuple[str, float]]:
    """Return cumulative buckets, as Prometheus wants them."""
    bounds: Iterable[str] = (*(str(float(each)) for each in DURATION_SECONDS), "+Inf")
    sums = accumulate(counts.get(place, 0) for place in range(len(DURATION_SECONDS) + 1))
    return list(zip(bounds, (float(each) for each in sums), strict=True))
