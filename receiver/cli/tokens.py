"""milepost token …: who may read pages and API, and who may change things."""

import re
from datetime import UTC, datetime, timedelta

import click

from receiver.cli.output import as_json, command, connection, show, tell, who
from receiver.domain.model import SCOPES
from receiver.storage import audit, tokens
from receiver.storage.audit import Target

_SPAN = re.compile(r"(\d{1,4})([hdwy])\Z")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}


@click.group("token")
def group() -> None:
    """Tokens for pages and API."""


@group.command()
@click.option("--name", required=True, help="Whose it is.")
@click.option("--scope", type=click.Choice(SCOPES), required=True)
@click.option("--project", help="The one project that it may see and change.")
@click.option("--expires", help="30d, 12h, 8w, 1y, or a date such as 2027-01-31.")
@as_json
@command
def create(name: str, scope: str, project: str | None, expires: str | None, as_json: bool) -> None:
    """Make a token and print it, this once."""
    token, grant = tokens.generate(), tokens.Grant(name, scope, project)
    with connection() as database:
        end = _end(expires) if expires else None
        tokens.keep(database, token, grant, end)
        after = {"scope": scope, "project": project, "expires_at": end}
        audit.note_change(database, who(), "token.create", Target("token", name), after=after)
    tell(token, {"name": name, "scope": scope, "token": token}, as_json=as_json)


@group.command("list")
@as_json
@command
def list_(as_json: bool) -> None:
    """Every token, without what it is."""
    with connection() as database:
        rows = tokens.everyone(database)
    columns = ("name", "scope", "project", "created_at", "expires_at", "revoked_at")
    show(rows, columns, as_json=as_json)


@group.command()
@click.argument("name")
@as_json
@command
def revoke(name: str, as_json: bool) -> None:
    """End a token at once."""
    with connection() as database:
        after = tokens.revoke(database, name)
        before = after | {"revoked_at": None}
        audit.note_change(database, who(), "token.revoke", Target("token", name), before, after)
    tell(f"{name} is revoked.", {"name": name, "revoked": True}, as_json=as_json)


def _end(text: str) -> datetime:
    """When a token ends: a span from now, or the beginning of a day in UTC."""
    span = _SPAN.match(text)
    if span:
        return datetime.now(UTC) + timedelta(hours=int(span[1]) * _HOURS[span[2]])
    try:
        end = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            "write 30d, 12h, 8w, 1y or a date", param_hint="--expires"
        ) from error
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    if end <= datetime.now(UTC):
        raise click.BadParameter("that is over already", param_hint="--expires")
    return end
