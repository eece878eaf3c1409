"""Refused deliveries by sender and reason since this receiver started; none of them is stored."""

import os
from datetime import UTC, datetime
from typing import Any

from flask import current_app

from receiver.web.metrics import FOLDER, instruments

Row = dict[str, Any]
COUNT = "milepost_deliveries_refused_total"
LAST = "milepost_deliveries_refused_last_timestamp_seconds"


def refusals() -> list[Row]:
    """Return source, sender, code, count and last_at of the refusals, the newest first."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = instruments(current_app).registry
    if os.environ.get(FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    values: dict[str, dict[tuple[str, ...], float]] = {COUNT: {}, LAST: {}}
    for family in registry.collect():
        for sample in family.samples:
            if sample.name in values:
                key = tuple(sample.labels[name] for name in ("source", "sender", "code"))
                values[sample.name][key] = sample.value
    rows = [_row(key, count, values[LAST][key]) for key, count in values[COUNT].items()]
    return sorted(rows, key=lambda row: row["last_at"], reverse=True)


def _row(key: tuple[str, ...], count: float, last: float) -> Row:
    source, sender, code = key
    at = datetime.fromtimestamp(last, UTC)
    return {"source": source, "sender": sender, "code": code, "count": int(count), "last_at": at}
