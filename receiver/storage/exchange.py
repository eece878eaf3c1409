"""A receiver's facts as JSON Lines: written from one snapshot, read into an empty receiver.

What follows from the facts (states, failures, artifacts) is not in the file: it is folded anew.
Tokens and secrets are never in it. Ids are kept. Part of the only writer.

The first line is {"kind": "milepost", "version": 1, "schema": …}, the last {"kind": "end",
"lines": …}; between them {"kind": table, "row": {…}}, rows before those that refer to them.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import LiteralString

import orjson
import psycopg
from psycopg import IsolationLevel, sql

from receiver.domain.model import Json
from receiver.domain.stages import StageMap
from receiver.errors import MilepostError
from receiver.storage.db import Connection, array, query
from receiver.storage.refold import refold

VERSION = 1
FETCHED = 50  # rows; a body may have 25 MiB
FOLDED = 100  # builds at once
BATCH_LINES, BATCH_BYTES = 500, 2**20
UNHURRIED = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
OCCUPIED = "This receiver has facts of its own: import into an empty one."


@dataclass(frozen=True, slots=True)
class Part:
    """Columns of a table that are facts."""

    columns: str
    where: LiteralString = "true"


# In the order in which rows can be inserted. A build's other columns are the fold's.
PARTS = {
    "platforms": Part("id name display_name cloud_provider region created_at updated_at"),
    "os_versions": Part(
        "id name display_name os_family major_version minor_version created_at updated_at"
    ),
    "image_types": Part("id name display_name description created_at updated_at"),
    "projects": Part("id name description created_at updated_at"),
    "name_aliases": Part("dimension name target_id"),
    "deliveries": Part(
        "id source sender delivery_key event_type outcome reason flags headers query body "
        "body_sha256 body_size received_at"
    ),
    "builds": Part(
        "id build_number platform_id os_version_id image_type_id native last_heard_at "
        "heartbeat_at created_at"
    ),
    "build_redirects": Part("build_number build_id"),
    "run_keys": Part("run_key build_id first_at last_at run_group"),
    "events": Part(
        "delivery_id place build_id source run_key statement manifest native alias_key began_at "
        "ended_at native_number run_group"
    ),
}
# What is written to rows that are there by then: parents to projects, words of people to failures.
CHANGES = {
    "parents": ("projects", Part("id parent_project_id", where="parent_project_id IS NOT NULL")),
    "resolutions": (
        "build_failures",
        Part(
            "id resolved resolution_notes resolved_at",
            where="resolved OR resolution_notes IS NOT NULL",
        ),
    ),
}


def exported(connection: Connection) -> Iterator[bytes]:
    """Every line, without its end, of one snapshot; the connection is in no transaction yet."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection.transaction():
        for statement in UNHURRIED:
            connection.execute(statement)
        applied = connection.execute(query("migrate/applied_migrations")).fetchall()
        yield orjson.dumps({"kind": "milepost", "version": VERSION, "schema": applied[-1]["name"]})
        lines = 0
        for kind, (table, part) in _everything().items():
            for line in _rows(connection, kind, table, part):
                yield line
                lines += 1
        yield orjson.dumps({"kind": "end", "lines": lines})


def insert(
    connection: Connection, lines: Iterable[bytes], known: Collection[str]
) -> list[bytes] | None:
    """Insert the facts of a file; None where all of it was there already.

    Gives what people said of failures, for resolve() to keep after folded(). `known` are the
    migrations of this release. MilepostError where the file is cut, broken or of another release,
    or where the receiver has facts of its own; the caller's transaction then must not commit.
    """
    _prepare(connection)
    is_empty, added, said = _is_empty(connection), 0, list[bytes]()
    try:
        for kind, batch in _batches(lines, known):
            if kind in PARTS:
                added += _insert(connection, kind, batch)
            elif kind == "parents" and is_empty:
                _change(connection, kind, batch)
            elif kind == "resolutions":
                said += batch
            if added and not is_empty:
                raise MilepostError(OCCUPIED)
    except psycopg.IntegrityError as error:
        raise MilepostError(OCCUPIED if not is_empty else _words(error)) from error
    except psycopg.DataError as error:
        raise MilepostError(_words(error)) from error
    return said if is_empty else None


def folded(connection: Connection, stages: StageMap) -> Iterator[str]:
    """Fold every build from its events, with this receiver's stage map; gives each number."""
    ids = [row["id"] for row in connection.execute("SELECT id FROM builds ORDER BY id").fetchall()]
    for start in range(0, len(ids), FOLDED):
        wanted = {"build_ids": array(ids[start : start + FOLDED])}
        builds = connection.execute(query("record/lock_builds"), wanted).fetchall()
        refold(connection, builds, stages, {}, {})
        yield from (build["build_number"] for build in builds)


def resolve(connection: Connection, said: list[bytes]) -> None:
    """Keep what people said of failures, which are there by now."""
    if said:
        _change(connection, "resolutions", said)


def count(connection: Connection) -> int:
    """About how many lines an export has."""
    parts = [sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(table)) for table in PARTS]
    row = connection.execute(sql.SQL("SELECT {} AS lines").format(sql.SQL(" + ").join(parts)))
    return int((row.fetchone() or {})["lines"])


def _prepare(connection: Connection) -> None:
    for statement in UNHURRIED:
        connection.execute(statement)
    connection.execute("LOCK TABLE deliveries, builds IN SHARE ROW EXCLUSIVE MODE")


def _is_empty(connection: Connection) -> bool:
    tables = [sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(name)) for name in PARTS]
    row = connection.execute(sql.SQL("SELECT {} AS taken").format(sql.SQL(" OR ").join(tables)))
    return not (row.fetchone() or {})["taken"]


def _rows(connection: Connection, kind: str, table: str, part: Part) -> Iterator[bytes]:
    """One table's lines, made by the server: no number passes through ours."""
    columns = [_out(name) for name in part.columns.split()]
    statement = sql.SQL(
        "SELECT jsonb_build_object('kind', {}::text, 'row', to_jsonb(t))::text AS line "
        "FROM (SELECT {} FROM {} WHERE {}) AS t"
    ).format(kind, sql.SQL(", ").join(columns), sql.Identifier(table), sql.SQL(part.where))
    with connection.cursor(name="export") as cursor:
        cursor.itersize = FETCHED
        for row in cursor.execute(statement):
            yield row["line"].encode()


def _out(column: str) -> sql.Composable:
    if column != "body":
        return sql.Identifier(column)
    return sql.SQL("translate(encode(body, 'base64'), E'\\n', '') AS body")


def _in(column: str) -> sql.Composable:
    """A base64 text is read into the record's BYTEA as it stands, so it is decoded after that."""
    if column != "body":
        return sql.Identifier("t", column)
    return sql.SQL("decode(encode(t.body, 'escape'), 'base64')")


def _insert(connection: Connection, table: str, batch: list[bytes]) -> int:
    names = PARTS[table].columns.split()
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {values} "
        "FROM jsonb_array_elements(%(lines)s::jsonb) AS line, "
        "jsonb_populate_record(NULL::{table}, line -> 'row') AS t ON CONFLICT DO NOTHING"
    ).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        values=sql.SQL(", ").join(map(_in, names)),
    )
    return connection.execute(statement, {"lines": _array(batch)}).rowcount


def _change(connection: Connection, kind: str, batch: list[bytes]) -> None:
    table, part = CHANGES[kind]
    names = [name for name in part.columns.split() if name != "id"]
    statement = sql.SQL(
        "UPDATE {table} SET {changes} FROM jsonb_array_elements(%(lines)s::jsonb) AS line, "
        "jsonb_populate_record(NULL::{table}, line -> 'row') AS t WHERE {table}.id = t.id"
    ).format(
        table=sql.Identifier(table),
        changes=sql.SQL(", ").join(
            sql.SQL("{} = t.{}").format(sql.Identifier(name), sql.Identifier(name))
            for name in names
        ),
    )
    connection.execute(statement, {"lines": _array(batch)})


def _array(batch: list[bytes]) -> str:
    return (b"[" + b",".join(batch) + b"]").decode()


def _batches(lines: Iterable[bytes], known: Collection[str]) -> Iterator[tuple[str, list[bytes]]]:
    """Neighbours of one kind together; MilepostError where the file is not whole."""
    batch: list[bytes] = []
    size, before, number, is_whole = 0, "", 0, False
    for number, line in enumerate(lines, 1):
        document = _read(line, number)
        kind = str(document.get("kind"))
        if number == 1:
            _check_header(document, known)
            continue
        if is_whole or (kind not in _everything() and kind != "end"):
            raise MilepostError(
                f"Line {number}: {'nothing' if is_whole else 'a row'} belongs here."
            )
        if kind != before or len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            if batch:
                yield before, batch
            batch, size, before = [], 0, kind
        if kind == "end":
            is_whole = document.get("lines") == number - 2
        else:
            batch.append(line)
            size += len(line)
    if not is_whole:
        raise MilepostError(f"The file is cut: it ends after line {number}.")


def _read(line: bytes, number: int) -> Json:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise MilepostError(f"Line {number} is no JSON: is the file cut?") from error
    if not isinstance(document, dict):
        raise MilepostError(f"Line {number} is no JSON object.")
    return document


def _check_header(document: Json, known: Collection[str]) -> None:
    if document.get("kind") != "milepost":
        raise MilepostError("This is no export of Milepost: its first line says nothing of it.")
    if document.get("version") != VERSION or document.get("schema") not in known:
        raise MilepostError("The file is of another release: import it with that one, or a newer.")


def _everything() -> dict[str, tuple[str, Part]]:
    return {name: (name, part) for name, part in PARTS.items()} | CHANGES


def _words(error: psycopg.Error) -> str:
    return f"The rows of the file do not fit together: {error.diag.message_primary}."
