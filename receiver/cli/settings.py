"""milepost settings …: documents of settings in the database, for all receivers of it."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from receiver.cli.database import actor, connection, database_command
from receiver.cli.database import settings as read_config
from receiver.cli.output import as_json, print_json, print_result, print_rows, printable
from receiver.config_files import read_text
from receiver.errors import ConfigError, MilepostError
from receiver.ingest.settings_documents import Documents
from receiver.storage import audit, settings_files
from receiver.storage import settings as storage
from receiver.storage.audit import Target
from receiver.storage.db import Connection, Row
from receiver.storage.settings_files import SettingsFile

COLUMNS = ("kind", "version", "created_at", "created_by", "files")
HISTORY = ("version", "created_at", "created_by")
kind_argument = click.argument("kind", type=click.Choice(storage.KINDS))
reveal_option = click.option("--reveal", is_flag=True, help="Show secrets and addresses too.")


@click.group("settings")
def settings() -> None:
    """Settings in the database, which all receivers share."""


@settings.command("list")
@as_json
@database_command
def list_(as_json: bool) -> None:
    """List the newest version of each kind, and the files that receivers read."""
    with connection() as database:
        files = settings_files.live(database)
        rows = [_row(database, kind, files) for kind in storage.KINDS]
    if not as_json:
        rows = [row | {"files": "; ".join(map(_file_text, row["files"]))} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json)


@settings.command()
@kind_argument
@click.option("--version", type=int, help="An earlier version; the newest by default.")
@reveal_option
@as_json
@database_command
def show(kind: str, version: int | None, reveal: bool, as_json: bool) -> None:
    """Print a document as it was written."""
    documents = Documents(read_config())
    with connection() as database:
        row = _find(database, kind, version)
    text = documents.shown(kind, row["document"], reveal=reveal)
    print_result(text.rstrip("\n"), row | {"kind": kind, "document": text}, as_json=as_json)


@settings.command("set")
@kind_argument
@click.argument("file")
@click.option("--ahead", is_flag=True, help="Also while receivers read files, before they stop to.")
@as_json
@database_command
def set_(kind: str, file: str, ahead: bool, as_json: bool) -> None:
    """Make FILE (- is stdin) the newest version, after the checks of a settings file."""
    documents = Documents(read_config())
    path = Path("/dev/stdin" if file == "-" else file)
    text = read_text(path)
    documents.check(kind, text, path.name)
    _write(documents, kind, text, ahead=ahead, as_json=as_json)


@settings.command()
@kind_argument
@click.argument("version", type=int, required=False)
@as_json
@database_command
def rollback(kind: str, version: int | None, as_json: bool) -> None:
    """Make an earlier version the newest again; by default the one before."""
    documents = Documents(read_config())
    with connection() as database:
        row = _before(database, kind) if version is None else _find(database, kind, version)
    text = documents.opened(kind, row["document"])
    documents.check(kind, text, f"{kind} version {row['version']}")
    _write(documents, kind, text, ahead=False, as_json=as_json)


@settings.command()
@kind_argument
@as_json
@database_command
def history(kind: str, as_json: bool) -> None:
    """List the versions of a kind, newest first."""
    with connection() as database:
        rows = storage.list_documents(database, kind)
    print_rows(rows, HISTORY, as_json=as_json)


@settings.command()
@kind_argument
@click.argument("first", type=int, required=False)
@click.argument("second", type=int, required=False)
@reveal_option
@as_json
@database_command
def diff(kind: str, first: int | None, second: int | None, reveal: bool, as_json: bool) -> None:
    """Show what differs between two versions.

    By default what the newest changed; with one version what has changed since.
    """
    documents = Documents(read_config())
    with connection() as database:
        newer = _find(database, kind, second)
        is_named = first is not None
        before = newer["version"]
        older = _find(database, kind, first) if is_named else _before(database, kind, before)
    lines = _differences(documents, kind, older, newer, reveal=reveal)
    if as_json:
        print_json({"kind": kind, "from": older["version"], "to": newer["version"], "lines": lines})
        return
    for line in lines:
        click.echo(printable(line))
    opened = {documents.opened(kind, each["document"]) for each in (older, newer)}
    if not lines and len(opened) > 1:
        click.echo("milepost: they differ in secrets or addresses: see --reveal.", err=True)


def _differences(
    documents: Documents, kind: str, older: Row, newer: Row, *, reveal: bool
) -> list[str]:
    old, new = (
        documents.shown(kind, each["document"], reveal=reveal).splitlines()
        for each in (older, newer)
    )
    first, second = (f"{kind} version {each['version']}" for each in (older, newer))
    return [*difflib.unified_diff(old, new, first, second, lineterm="")]


def _write(documents: Documents, kind: str, text: str, *, ahead: bool, as_json: bool) -> None:
    """Make a text the newest version of its kind, unless it is already."""
    with connection() as database:
        _refuse_files(database, documents, kind, ahead=ahead)
        storage.lock_kind(database, kind)
        row = storage.read_document(database, kind)
        if row and _is(documents, kind, row, text):
            said = {"kind": kind, "version": row["version"], "changed": False}
            print_result(f"{kind} is version {row['version']} already.", said, as_json=as_json)
            return
        who = actor()
        version = documents.write(database, kind, text, who.name)
        before = {"version": row["version"]} if row else None
        audit.note_change(
            database, who, "settings.set", Target("settings", kind), before, {"version": version}
        )
    said = {"kind": kind, "version": version, "changed": True}
    text = f"{kind} is version {version}; receivers read it within a second."
    print_result(text, said, as_json=as_json)


def _is(documents: Documents, kind: str, row: Row, text: str) -> bool:
    """Return whether a document has this text; one that no key decrypts may be replaced."""
    try:
        return documents.opened(kind, row["document"]) == text
    except ConfigError:
        return False


def _refuse_files(database: Connection, documents: Documents, kind: str, *, ahead: bool) -> None:
    """Raise MilepostError where a file is the whole truth of this kind, here or at a receiver;
    `ahead` allows it at a receiver. A file of stages is in the database itself."""
    variable = f"MILEPOST_{kind.upper()}"
    if path := documents.file(kind):
        raise MilepostError(
            f"{variable} is set: {path} is all that counts for {kind}. Change that file, or unset "
            "the variable for every receiver."
        )
    files = [each for each in settings_files.live(database) if each.kind == kind]
    if not files or (ahead and kind != "stages"):
        return
    first = files[0]
    advice = f"start the receiver without {variable}" + (
        ", and its contents stay in the database." if kind == "stages" else ", or say --ahead."
    )
    raise MilepostError(
        f"The receiver on {first.host} reads its {kind} from {first.path}, which is all that "
        f"counts: change that file, or {advice}"
    )


def _find(database: Connection, kind: str, version: int | None) -> Row:
    """Return a version of a kind; by default the newest. Raises MilepostError."""
    row = storage.read_document(database, kind, None if version is None else version + 1)
    if row is None and version is None:
        raise MilepostError(f"No version of {kind} is in the database: see milepost settings set.")
    if row is None or version not in (None, row["version"]):
        raise MilepostError(f"{kind} has no version {version}: see milepost settings history.")
    return row


def _before(database: Connection, kind: str, version: int | None = None) -> Row:
    """Return the version before one; by default before the newest. Raises MilepostError."""
    newest = version or _find(database, kind, None)["version"]
    row = storage.read_document(database, kind, newest)
    if row is None:
        raise MilepostError(f"{kind} has no version before {newest}.")
    return row


def _row(database: Connection, kind: str, files: Sequence[SettingsFile]) -> dict[str, Any]:
    row = storage.read_document(database, kind) or dict.fromkeys(HISTORY)
    own = [
        {"host": each.host, "path": each.path, "version": each.version, "older": each.is_older}
        for each in files
        if each.kind == kind
    ]
    return {"kind": kind} | {name: row[name] for name in HISTORY} | {"files": own}


def _file_text(file: dict[str, Any]) -> str:
    older = ", which does not count" if file["older"] else ""
    version = f" (version {file['version']}{older})" if file["version"] else ""
    return f"{file['host']}: {file['path']}{version}"
