"""pgbench with the statements of one delivery, as the receiver sends them for one delivery alone.

They are recorded while the receiver's own code records a delivery; then each transaction replaces
the values in which two deliveries differ. https://www.postgresql.org/docs/current/pgbench.html
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

from receiver.domain.delivery import Delivery, Request
from receiver.domain.stage_map import StageMap
from receiver.sources import SOURCES
from receiver.storage import record
from receiver.storage.db import Row
from receiver.storage.embedded.binaries import find_binaries
from tests.bench.load import envelope
from tests.support.senders import SECRET, Json, proof

Statements = list[tuple[bytes, Mapping[str, Any]]]
HEAD = "\\set build random(1, {builds})\n\\set delivery random(1, 9000000000000000000)\n"
EVENTS = 3  # of each build, before the measurement
PREFIX = "pgbench"
UNKNOWN: tuple[LiteralString, ...] = (
    "INSERT INTO platforms (name, display_name, cloud_provider) "
    "VALUES ('unknown', 'Unknown', 'unknown') ON CONFLICT DO NOTHING",
    "INSERT INTO os_versions (name, display_name, os_family, major_version) "
    "VALUES ('unknown', 'Unknown', 'unknown', 0) ON CONFLICT DO NOTHING",
    "INSERT INTO image_types (name, display_name) "
    "VALUES ('unknown', 'Unknown') ON CONFLICT DO NOTHING",
)
# A build's id follows from its number, so that no further statement has to read it.
BUILDS = """
INSERT INTO builds (id, build_number, platform_id, os_version_id, image_type_id)
SELECT md5('pgbench-' || n)::uuid, 'pgbench-' || n, platforms.id, os_versions.id, image_types.id
FROM generate_series(1, %s) AS n, platforms, os_versions, image_types
WHERE platforms.name = 'unknown' AND os_versions.name = 'unknown' AND image_types.name = 'unknown'
"""
BUILD_ID = "md5('pgbench-' || :build)::uuid::text"
EXPRESSIONS = {
    "@n": ":build::text",
    "@d": "md5(:delivery::text)::uuid::text",
    "@b": f"left({BUILD_ID}, 28)",
    "@e": f"right({BUILD_ID}, 8)",
    "@c": "chr(58)",
}


class Recorder:
    """A stand-in for the receiver's database that records the statements."""

    def __init__(self, url: str) -> None:
        self.url, self.statements = url, Statements()

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Yield a recording connection in a transaction."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            yield _RecordingConnection(connection, self.statements)


class _RecordingConnection:
    """A connection that records each statement."""

    def __init__(self, connection: psycopg.Connection[Row], statements: Statements) -> None:
        self._connection, self._statements = connection, statements

    def execute(self, query: bytes, params: Mapping[str, Any]) -> psycopg.Cursor[Row]:
        self._statements.append((query, params))
        return self._connection.execute(query, params)

    def pipeline(self) -> Any:
        return self._connection.pipeline()


def delivery(build: int, event: int, delivery_id: UUID, prefix: str) -> Delivery:
    """Return a delivery about a build, ready to record."""
    return as_delivery(envelope(build, event, prefix), delivery_id)


def as_delivery(document: Json, delivery_id: UUID) -> Delivery:
    """Return an envelope as a delivery, ready to record."""
    body = orjson.dumps(document)
    headers = {name.lower(): value for name, value in proof("milepost", SECRET, body).items()}
    request = Request(headers, body, "", datetime.now(UTC))
    source = SOURCES["milepost"]
    event_type, key = source.identify(request, {})
    content = source.read(request)
    return Delivery(delivery_id, "milepost", "", event_type, key, request, content=content)


def prepare(url: str, builds: int, script: Path) -> None:
    """Create the builds, each with a few events, and write the script of one further delivery."""
    with psycopg.connect(url) as connection:
        for statement in UNKNOWN:
            connection.execute(statement)
        connection.execute(BUILDS, [builds])
    recorder, deliveries = Recorder(url), list(_deliveries(builds))
    for start in range(0, len(deliveries), 32):
        record.record_batch(recorder, deliveries[start : start + 32], StageMap())  # type: ignore[arg-type]
    recorder.statements.clear()
    delivery_id = UUID(int=1)
    record.record_batch(recorder, [delivery(1, EVENTS, delivery_id, PREFIX)], StageMap())  # type: ignore[arg-type]
    script.write_text(_script(url, recorder.statements, delivery_id, builds))


def rate(url: str, script: Path, clients: int, seconds: int) -> float:
    """Return the transactions a second."""
    variables = {f"PG{name.upper()}": str(value) for name, value in conninfo_to_dict(url).items()}
    variables["PGDATABASE"] = variables.pop("PGDBNAME")
    done = subprocess.run(
        [
            *(
                str(find_binaries() / "pgbench"),
                "--no-vacuum",
                "--protocol=prepared",
                f"--file={script}",
            ),
            *(f"--client={clients}", "--jobs=2", f"--time={seconds}"),
        ],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    if match := re.search(r"tps = ([\d.]+)", done.stdout):
        return float(match[1])
    raise RuntimeError(done.stdout + done.stderr)


def _deliveries(builds: int) -> Iterator[Delivery]:
    for event in range(EVENTS):
        for build in range(1, builds + 1):
            yield delivery(build, event, uuid7(), PREFIX)


def _script(url: str, statements: Statements, delivery_id: UUID, builds: int) -> str:
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
    texts = [_statement(query.decode(), params, marks) for query, params in statements]
    head = HEAD.format(builds=builds)
    return head + ";\n".join(["BEGIN", *texts, "COMMIT", ""])


def _statement(query: str, params: Mapping[str, Any], marks: Mapping[str, str]) -> str:
    return re.sub(r"%\((\w+)\)[sb]", lambda match: _value(params[match[1]], marks), query)


def _value(value: Any, marks: Mapping[str, str]) -> str:
    """Return a literal with its marks filled; a colon would begin a variable of pgbench."""
    if isinstance(value, list):
        return f"ARRAY[{', '.join(_value(each, marks) for each in value)}]"
    if isinstance(value, bytes):
        return f"decode('{value.hex()}', 'hex')"  # compressed: it has no marks
    text = _json(value) if isinstance(value, Jsonb) else str(value)
    for value_text, mark in marks.items():
        text = text.replace(value_text, mark)
    literal = f"$q${text.replace(':', '@c')}$q$"
    for mark, expression in EXPRESSIONS.items():
        if mark in literal:
            literal = f"replace({literal}, '{mark}', {expression})"
    return literal


def _json(value: Jsonb) -> str:
    """Return JSON as the driver sends it."""
    assert value.dumps is not None
    encoded = value.dumps(value.obj)
    return encoded if isinstance(encoded, str) else encoded.decode()
