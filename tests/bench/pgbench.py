"""pgbench doing the statements of one delivery, as the receiver sends them for one alone.

They are taken down while the receiver's own code records a delivery; then what tells two deliveries
apart is put in anew for each transaction. https://www.postgresql.org/docs/current/pgbench.html
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import orjson
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from receiver.domain.model import Delivery, Request
from receiver.domain.stages import StageMap
from receiver.sources import SOURCES
from receiver.storage import record
from receiver.storage.db import Row
from receiver.storage.embedded.binaries import find
from tests.bench.load import envelope
from tests.support.senders import SECRET, proof

Taken = list[tuple[bytes, Mapping[str, Any]]]
HEAD = "\\set build random(1, {builds})\n\\set delivery random(1, 9000000000000000000)\n"
EVENTS = 3  # of each build before
PREFIX = "pgbench"
UNKNOWN: tuple[LiteralString, ...] = (
    "INSERT INTO platforms (name, display_name, cloud_provider) "
    "VALUES ('unknown', 'Unknown', 'unknown') ON CONFLICT DO NOTHING",
    "INSERT INTO os_versions (name, display_name, os_family, major_version) "
    "VALUES ('unknown', 'Unknown', 'unknown', 0) ON CONFLICT DO NOTHING",
    "INSERT INTO image_types (name, display_name) "
    "VALUES ('unknown', 'Unknown') ON CONFLICT DO NOTHING",
)
# A build's id follows from its number, so that no statement more has to ask for it.
BUILDS = """
INSERT INTO builds (id, build_number, platform_id, os_version_id, image_type_id)
SELECT md5('pgbench-' || n)::uuid, 'pgbench-' || n, platforms.id, os_versions.id, image_types.id
FROM generate_series(1, %s) AS n, platforms, os_versions, image_types
WHERE platforms.name = 'unknown' AND os_versions.name = 'unknown' AND image_types.name = 'unknown'
"""
BUILD_ID = "md5('pgbench-' || :build)::uuid::text"
FILLED = {
    "@n": ":build::text",
    "@d": "md5(:delivery::text)::uuid::text",
    "@b": f"left({BUILD_ID}, 28)",
    "@e": f"right({BUILD_ID}, 8)",
    "@c": "chr(58)",
}


class Recorder:
    """Stands where the receiver has its database, and takes down what is asked of it."""

    def __init__(self, url: str) -> None:
        self.url, self.taken = url, Taken()

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """One connection and transaction."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            yield _Noting(connection, self.taken)


class _Noting:
    """A connection that takes down each statement."""

    def __init__(self, connection: psycopg.Connection[Row], taken: Taken) -> None:
        self._connection, self._taken = connection, taken

    def execute(self, query: bytes, params: Mapping[str, Any]) -> psycopg.Cursor[Row]:
        self._taken.append((query, params))
        return self._connection.execute(query, params)

    def pipeline(self) -> Any:
        return self._connection.pipeline()


def delivery(build: int, event: int, delivery_id: UUID, prefix: str) -> Delivery:
    """A delivery about a build, as it is recorded."""
    body = orjson.dumps(envelope(build, event, prefix))
    headers = {name.lower(): value for name, value in proof("milepost", SECRET, body).items()}
    request = Request(headers, body, "", datetime.now(UTC))
    source = SOURCES["milepost"]
    event_type, key = source.identify(request, {})
    content = source.read(request)
    return Delivery(delivery_id, "milepost", "", event_type, key, request, content=content)


def prepare(url: str, builds: int, script: Path) -> None:
    """Make the builds, each with a few events, and write the script of one delivery more."""
    with psycopg.connect(url) as connection:
        for statement in UNKNOWN:
            connection.execute(statement)
        connection.execute(BUILDS, [builds])
    recorder, deliveries = Recorder(url), list(_deliveries(builds))
    for start in range(0, len(deliveries), 32):
        record.record_batch(recorder, deliveries[start : start + 32], StageMap())  # type: ignore[arg-type]
    recorder.taken.clear()
    delivery_id = UUID(int=1)
    record.record_batch(recorder, [delivery(1, EVENTS, delivery_id, PREFIX)], StageMap())  # type: ignore[arg-type]
    script.write_text(_script(url, recorder.taken, delivery_id, builds))


def rate(url: str, script: Path, clients: int, seconds: int) -> float:
    """Transactions a second."""
    known = {f"PG{name.upper()}": str(value) for name, value in conninfo_to_dict(url).items()}
    known["PGDATABASE"] = known.pop("PGDBNAME")
    done = subprocess.run(
        [
            *(str(find() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={script}"),
            *(f"--client={clients}", "--jobs=2", f"--time={seconds}"),
        ],
        env=os.environ | known,
        capture_output=True,
        text=True,
        check=True,
    )
    if found := re.search(r"tps = ([\d.]+)", done.stdout):
        return float(found[1])
    raise RuntimeError(done.stdout + done.stderr)


def _deliveries(builds: int) -> Iterator[Delivery]:
    for event in range(EVENTS):
        for build in range(1, builds + 1):
            yield delivery(build, event, uuid7(), PREFIX)


def _script(url: str, taken: Taken, delivery_id: UUID, builds: int) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT builds.id, delivery_key FROM builds, deliveries "
            "WHERE build_number = %s AND deliveries.id = %s",
            [f"{PREFIX}-1", delivery_id],
        ).fetchone()
    assert row is not None
    build_id, key = str(row[0]), row[1]
    marks = {
        f"{PREFIX}-1": f"{PREFIX}-@n",
        "images:1:1:1": "images:@n:1:@n",
        str(delivery_id): "@d",
        key: "@d",
        build_id[:28]: "@b",
        build_id[28:]: "@e",
    }
    statements = [_statement(query.decode(), params, marks) for query, params in taken]
    head = HEAD.format(builds=builds)
    return head + ";\n".join(["BEGIN", *statements, "COMMIT", ""])


def _statement(query: str, params: Mapping[str, Any], marks: Mapping[str, str]) -> str:
    return re.sub(r"%\((\w+)\)[sb]", lambda found: _value(params[found[1]], marks), query)


def _value(value: Any, marks: Mapping[str, str]) -> str:
    """A literal in which the marks are filled; a colon would begin a variable of pgbench's."""
    if isinstance(value, list):
        return f"ARRAY[{', '.join(_value(each, marks) for each in value)}]"
    if isinstance(value, bytes):
        return f"convert_to({_value(value.decode(), marks)}, 'UTF8')"
    text = _json(value) if isinstance(value, Jsonb) else str(value)
    for known, mark in marks.items():
        text = text.replace(known, mark)
    filled = f"$q${text.replace(':', '@c')}$q$"
    for mark, expression in FILLED.items():
        if mark in filled:
            filled = f"replace({filled}, '{mark}', {expression})"
    return filled


def _json(value: Jsonb) -> str:
    """As the driver would send it."""
    assert value.dumps is not None
    encoded = value.dumps(value.obj)
    return encoded if isinstance(encoded, str) else encoded.decode()
