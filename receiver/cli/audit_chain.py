"""milepost audit verify and export: the chain of the audit trail."""

import sys
from pathlib import Path

import click
import orjson

from receiver.cli.database import connection, database_command
from receiver.cli.output import as_json, print_result
from receiver.errors import MilepostError
from receiver.storage import audit_chain
from receiver.storage.audit_chain import Chain


@click.command()
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@as_json
@database_command
def verify(file: Path | None, as_json: bool) -> None:
    """Check that no entry was changed or removed, also against exported lines."""
    known = _known(file) if file else {}
    with connection() as database:
        chain = audit_chain.verify(database, known)
    found = {name: getattr(chain, name) for name in Chain.__slots__}
    print_result(_verdict(chain), found, as_json=as_json)
    if chain.problems:
        sys.exit(1)


@click.command()
@database_command
def export() -> None:
    """Print every entry as a line of JSON, oldest first."""
    with connection() as database:
        for entry in audit_chain.export(database):
            click.echo(orjson.dumps(entry))


def _known(file: Path) -> dict[int, str]:
    """Return the digests of exported lines, or of a log's, by place."""
    known: dict[int, str] = {}
    for number, text in enumerate(file.read_bytes().splitlines(), 1):
        try:
            entry = orjson.loads(text[text.index(b"{") :])
        except ValueError as error:
            raise MilepostError(f"{file}, line {number}: no line of milepost audit.") from error
        if isinstance(entry, dict) and isinstance(entry.get("seq"), int):
            known[entry["seq"]] = str(entry.get("digest"))
    return known


def _verdict(chain: Chain) -> str:
    lines = [f"The chain has {chain.entries} entries; the last digest is {chain.digest}."]
    if chain.before:
        lines.append(f"{chain.before} entries are older than the chain.")
    if chain.since:
        lines.append(f"{chain.since} entries are of an older release that worked beside this one.")
    return "\n".join([*chain.problems, *lines])
