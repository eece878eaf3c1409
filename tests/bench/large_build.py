"""One delivery to a build of thousands of events, against one to a build of fifty.

Each is a stage of a hook over a connection of its own, as hooks post, so any worker gets it.
"""

import http.client
import time
from itertools import chain
from statistics import median

import orjson
from uuid_utils.compat import uuid7

from receiver.domain.delivery import Outcome
from receiver.domain.stage_map import StageMap
from receiver.storage import record
from receiver.storage.db import Database, open_database
from tests.bench import pgbench
from tests.bench.goals import Goal, at_most
from tests.bench.load import STAGES
from tests.support.receivers import Running, started
from tests.support.senders import Json, envelope, proof, stage

LARGE, SMALL = 4_880, 48  # events before; the bound is 5,000
AT_ONCE = 32  # deliveries in a commit
SMALL_BUILDS = 20  # in turns, so that they stay small
ROUNDS, RUNS = 3, 30
JSON = {"Content-Type": "application/json"}


def measure() -> list[Goal]:
    """Measure both in turns, in rounds."""
    with started() as receiver:
        with open_database(receiver.database_url()) as database:
            _fill(database)
        rounds = [_round(receiver, number * RUNS) for number in range(ROUNDS)]
    ratios = [median(large) / median(small) for large, small in rounds]
    large, small = (list(chain(*times)) for times in zip(*rounds, strict=True))
    figures = f"{median(large):.1f} and {median(small):.1f} ms, slowest {max(large):.1f} ms"
    name = "one delivery to a build of 5,000 events / to one of 50"
    return [at_most(name, ratios, 3, figures)]


def _fill(database: Database) -> None:
    """Record the deliveries of all builds, one event each."""
    builds = [("large", LARGE), *((f"small-{n}", SMALL) for n in range(SMALL_BUILDS))]
    deliveries = [
        pgbench.as_delivery(_envelope(number, event), uuid7())
        for number, events in builds
        for event in range(events)
    ]
    for start in range(0, len(deliveries), AT_ONCE):
        outcomes = record.record_batch(database, deliveries[start : start + AT_ONCE], StageMap())
        assert all(isinstance(each, Outcome) for each in outcomes), outcomes


def _round(receiver: Running, first: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of deliveries to the large build, and to small ones, in turns."""
    large, small = [], []
    for run in range(first, first + RUNS):
        large.append(_milliseconds(receiver, _envelope("large", LARGE + run)))
        number = f"small-{run % SMALL_BUILDS}"
        small.append(_milliseconds(receiver, _envelope(number, SMALL + run // SMALL_BUILDS)))
    return large, small


def _envelope(number: str, event: int) -> Json:
    """Return an envelope of one event: stages begin and end in turns."""
    name = f"{STAGES[event // 2 % len(STAGES)]} {event // 2}"
    status = "completed" if event % 2 else "started"
    return envelope(stage(name, status, event / 60), number=number, run=f"run-of-{number}")


def _milliseconds(receiver: Running, document: Json) -> float:
    """Return the time from connecting to the whole answer."""
    body = orjson.dumps(document)
    headers = proof("milepost", receiver.secrets["milepost"], body) | JSON
    began = time.perf_counter()
    connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"), timeout=60)
    connection.request("POST", "/webhooks/milepost", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    spent = time.perf_counter() - began
    connection.close()
    assert answer.status < 300, text
    return spent * 1000
