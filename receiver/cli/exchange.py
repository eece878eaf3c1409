"""milepost export and milepost import: a receiver's facts as a file of JSON Lines."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from receiver.cli.output import as_json, command, database_url, settings, tell, tracked, who
from receiver.domain.stages import StageMap
from receiver.errors import MilepostError
from receiver.storage import audit, db, exchange, migrate
from receiver.storage.audit import Target


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@as_json
@command
def export(file: Path | None, as_json: bool) -> None:
    """Write every fact as JSON Lines to FILE, else to stdout; no token and no secret."""
    if file is None:
        _write(sys.stdout.buffer)
        return
    with written(file) as output:
        lines = _write(output)
    tell(f"{file}: {lines} lines", {"file": str(file), "lines": lines}, as_json=as_json)


@click.command("import")
@click.argument("file", type=click.File("rb"))
@as_json
@command
def import_(file: IO[bytes], as_json: bool) -> None:
    """Fill an empty receiver from an export; the same file again changes nothing."""
    config = settings()
    url = database_url(config)
    if config.database_url is None:
        migrate.migrate(url)
    elif migrate.check(url):
        raise MilepostError("The schema is old: run milepost migrate")
    path = config.stages
    stages = StageMap.parse(path.read_text(encoding="utf-8"), path.name) if path else StageMap()
    with db.connect(url) as connection:
        known = {each.name for each in migrate.files()}
        said = exchange.insert(connection, tracked(file, "Reading"), known)
        builds = 0
        if said is not None:
            builds = sum(1 for _ in tracked(exchange.folded(connection, stages), "Folding"))
            exchange.resolve(connection, said)
            audit.note(connection, who(), "import", Target("receiver"), after={"builds": builds})
    text = "All of it was there." if said is None else f"{builds} builds are imported."
    tell(text, {"builds": builds}, as_json=as_json)


@contextmanager
def written(file: Path) -> Iterator[IO[bytes]]:
    """A new file that its owner alone reads, whole or not at all."""
    if file.exists():
        raise MilepostError(f"{file} is there already.")
    part = file.with_name(f".{file.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        try:
            yield output
            output.flush()
            os.fsync(output.fileno())
        except BaseException:
            part.unlink()
            raise
    part.replace(file)


def _write(output: IO[bytes]) -> int:
    lines = 0
    with db.connect(database_url(settings())) as connection:
        total = exchange.count(connection)
        connection.rollback()
        for line in tracked(exchange.exported(connection), "Exporting", total=total):
            output.write(line + b"\n")
            lines += 1
    return lines
