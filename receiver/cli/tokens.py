"""milepost token …: tokens for pages and API."""

import re
from datetime import UTC, datetime, timedelta

import click

from receiver.cli.database import actor, connection, database_command
from receiver.cli.output import as_json, print_result, print_rows
from receiver.domain.model import SCOPES
from receiver.storage import audit, tokens
from receiver.storage.audit import Target

_SPAN = re.compile(r"(\d{1,4})([hdwy])\Z")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}


@click.group("token")
def token() -> None:
    """Tokens for pages and API."""


@token.command()
@click.option("--name", required=True, help="Its name, in the audit trail too.")
@click.option("--scope", type=click.Choice(SCOPES), required=True)
@click.option("--project", help="The only project that it may read and change.")
@click.option("--override", is_flag=True, help="The right to pass over checks of a channel.")
@click.option("--expires", help="30d, 12h, 8w, 1y, or a date such as 2027-01-31.")
@as_json
@database_command
def create(
    name: str,
    scope: str,
    project: str | None,
    override: bool,
    expires: str | None,
    as_json: bool,
) -> None:
    """Create a token and print it, this once."""
    token = tokens.generate_token()
    grant = tokens.Grant(name, scope, project, override=override)
    with connection() as database:
        end = _end(expires) if expires else None
        tokens.insert_token(database, token, grant, end)
        after = {"scope": scope, "project": project, "expires_at": end, "override": override}
        audit.note_change(database, actor(), "token.create", Target("token", name), after=after)
    print_result(token, {"name": name, "scope": scope, "token": token}, as_json=as_json)


@token.command("list")
@as_json
@database_command
def list_(as_json: bool) -> None:
    """List the tokens, without their text."""
    with connection() as database:
        rows = tokens.list_tokens(database)
    columns = ("name", "scope", "override", "project", "created_at", "expires_at", "revoked_at")
    print_rows(rows, columns, as_json=as_json)


@token.command()
@click.argument("name")
@as_json
@database_command
def revoke(name: str, as_json: bool) -> None:
    """End a token at once."""
    with connection() as database:
        after = tokens.revoke_token(database, name)
        before = after | {"revoked_at": None}
        audit.note_change(database, actor(), "token.revoke", Target("token", name), before, after)
    print_result(f"{name} is revoked.", {"name": name, "revoked": True}, as_json=as_json)


def _end(text: str) -> datetime:
    """Return the end of a token: a time from now, or the beginning of a day in UTC."""
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
