"""milepost redeliver github: have GitHub send again what a receiver did not take.

GitHub never repeats a delivery by itself, so what it posts while a database changes its primary,
or while nothing answers, comes only by this command.
"""

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from receiver.cli.client import Client, base_of, open_client
from receiver.cli.database import has_data
from receiver.cli.github_api import PUBLIC, Attempt, GitHub, Hook, Owner
from receiver.cli.output import as_json, command, print_rows, progress
from receiver.config import load
from receiver.config_files import read_text
from receiver.domain.model import Json
from receiver.errors import ConfigError, MilepostError
from receiver.settings.durations import parse_duration

COLUMNS = ("delivered_at", "guid", "event", "action", "status_code", "result")
WEBHOOK = "/webhooks/github"


@click.group()
def redeliver() -> None:
    """Have a forge send again what a receiver did not take."""


@redeliver.command()
@click.option("--repo", help="The repository that has the webhook: OWNER/NAME.")
@click.option("--org", help="Or the organization that has it.")
@click.option("--app", is_flag=True, help="Or the GitHub App whose JSON Web Token the file has.")
@click.option("--hook", "hook_id", type=int, help="The webhook's number; else found by --receiver.")
@click.option(
    "--receiver",
    envvar=["MILEPOST_EXTERNAL_URL", "MILEPOST_URL"],
    help="The receiver's address, as the webhook has it.",
)
@click.option("--since", default="3d", show_default=True, help="GitHub keeps three days.")
@click.option(
    "--token-file",
    envvar="MILEPOST_GITHUB_TOKEN_FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="A file with a token for GitHub.",
)
@click.option(
    "--api-url",
    default=PUBLIC,
    show_default=True,
    help="Of a GitHub Enterprise Server: https://HOST/api/v3.",
)
@click.option("--restored", is_flag=True, help="Also what was taken and a restored database lacks.")
@click.option("--send", is_flag=True, help="Send them; without it they are listed alone.")
@as_json
@command
def github(
    repo: str | None,
    org: str | None,
    app: bool,
    hook_id: int | None,
    receiver: str | None,
    since: str,
    token_file: Path,
    api_url: str,
    restored: bool,
    send: bool,
    as_json: bool,
) -> None:
    """List GitHub's deliveries that no try brought to the receiver; with --send have them sent.

    A delivery that the receiver has kept is left out, where MILEPOST_URL and MILEPOST_TOKEN or a
    database are set. With --restored the receiver is asked about each delivery, and those that it
    lacks count too, whatever it answered before its database was restored. Exit with 1 where GitHub
    refuses to send one again.
    """
    owner = _owner(repo, org, app=app)
    earliest = _earliest(since)
    api = GitHub(api_url, _token(token_file), say=partial(click.echo, err=True))
    hooks = _hooks(api, owner, hook_id, receiver)
    with _receiver(is_needed=restored) as client:
        missed = [
            Missed(hook, each, "kept" if _is_kept(client, hook, each) else "not sent")
            for hook in hooks
            for each in undelivered(api.attempts(owner, hook, earliest), also_taken=restored)
        ]
    if restored:  # nearly all of them are kept
        missed = [each for each in missed if each.result != "kept"]
    try:
        if send:
            _send(api, owner, missed)
    finally:  # also what was sent before an error
        print_rows([each.row() for each in missed], COLUMNS, as_json=as_json)
    _conclude(missed, send=send, is_compared=client is not None)


@dataclass
class Missed:
    """A delivery that no try brought, and what became of it: `kept`, `not sent`, `sent`, or why
    GitHub does not send it again."""

    hook: Hook
    attempt: Attempt
    result: str

    def row(self) -> Json:
        """Return it as the command lists it."""
        return {
            "id": self.attempt.id,
            "guid": self.attempt.guid,
            "delivered_at": self.attempt.at.isoformat(),
            "event": self.attempt.event,
            "action": self.attempt.action,
            "status_code": self.attempt.status,
            "result": self.result,
        }


def undelivered(attempts: Iterable[Attempt], *, also_taken: bool = False) -> list[Attempt]:
    """Return the newest try of each delivery that no try brought, or of each that there is, the
    oldest delivery first."""
    newest: dict[str, Attempt] = {}
    taken: set[str] = set()
    for each in attempts:
        newest.setdefault(each.guid, each)
        if each.is_taken and not also_taken:
            taken.add(each.guid)
    return [each for guid, each in reversed(newest.items()) if guid not in taken]


def _send(api: GitHub, owner: Owner, missed: list[Missed]) -> None:
    """Have those sent again that the receiver has not kept, and note it."""
    for each in progress([each for each in missed if each.result != "kept"], "Asking GitHub"):
        each.result = api.send_again(owner, each.hook, each.attempt) or "sent"


def _conclude(missed: list[Missed], *, send: bool, is_compared: bool) -> None:
    """Say on stderr what the list means. Raises MilepostError where GitHub refused."""
    results = [each.result for each in missed]
    if missed and not is_compared:
        click.echo(
            "milepost: no receiver was asked what it has kept (MILEPOST_URL and MILEPOST_TOKEN); "
            "it answers 200 to what it has.",
            err=True,
        )
    if not send and "not sent" in results:
        click.echo("milepost: nothing was sent. Add --send to have them sent again.", err=True)
    refused = [each for each in results if each not in ("kept", "not sent", "sent")]
    if refused:
        raise MilepostError(f"GitHub did not take {len(refused)} of {len(missed)}: see the result.")


def _owner(repo: str | None, org: str | None, *, app: bool) -> Owner:
    if sum((bool(repo), bool(org), app)) != 1:
        raise click.UsageError("Say one of --repo OWNER/NAME, --org NAME and --app.")
    if repo:
        if len([each for each in repo.split("/") if each]) != 2 or repo.count("/") != 1:
            raise click.BadParameter("write OWNER/NAME", param_hint="--repo")
        return Owner.repository(repo)
    return Owner.organisation(org) if org else Owner.app()


def _earliest(since: str) -> datetime:
    age = parse_duration(since)
    if age is None:
        raise click.BadParameter("write 3d, 12h or 15m", param_hint="--since")
    return datetime.now(UTC) - age


def _token(path: Path) -> str:
    """Return the token of the file. Raises ConfigError."""
    token = read_text(path).strip()
    if not (token and token.isascii() and token.isprintable()) or " " in token:
        raise ConfigError([f"{path}: this is no token: it must be one word."])
    return token


def _hooks(api: GitHub, owner: Owner, hook_id: int | None, receiver: str | None) -> list[Hook]:
    """Return the webhook of this number, or those that post to the receiver."""
    if hook_id is not None and owner != Owner.app():
        return [api.hook(owner, hook_id)]
    hooks = api.hooks(owner)
    if owner == Owner.app():
        return hooks
    if receiver is None:
        raise click.UsageError("Say --hook NUMBER, or --receiver with the receiver's address.")
    base = base_of(receiver).casefold()
    found = [each for each in hooks if each.url.partition(WEBHOOK)[0].casefold() == base]
    if not found:
        others = ", ".join(f"{_number(each)} ({_host(each)})" for each in hooks) or "none"
        raise MilepostError(
            f"No webhook posts to {base}{WEBHOOK}. Say --hook; there are: {others}."
        )
    return found


def _number(hook: Hook) -> str:
    return hook.path.rpartition("/")[2]


def _host(hook: Hook) -> str:
    """Return the host alone: the address of another webhook may hold a secret."""
    return urlsplit(hook.url).hostname or "no address"


def _receiver(*, is_needed: bool) -> AbstractContextManager[Client | None]:
    """Return what can be asked what was kept: the receiver or database of the settings, else None.

    Raises ConfigError where it is needed.
    """
    receiver = [os.environ.get(name, "").strip() for name in ("MILEPOST_URL", "MILEPOST_TOKEN")]
    database = [os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_URL_FILE")]
    if all(receiver) or any(database) or has_data(load(os.environ)):
        return open_client()
    if is_needed:
        raise ConfigError(["--restored needs MILEPOST_URL and MILEPOST_TOKEN, or a database."])
    return nullcontext()


def _is_kept(client: Client | None, hook: Hook, attempt: Attempt) -> bool:
    """Return whether the receiver has it: its key is the guid, its sender is in the address."""
    if client is None:
        return False
    wanted: dict[str, Any] = {"source": "github", "sender": sender_of(hook.url)}
    return bool(client.deliveries(wanted | {"delivery_key": attempt.guid}, 1))


def sender_of(url: str) -> str:
    """Return the sender that the address of a webhook names; '' is the default one."""
    return unquote(urlsplit(url).path.partition(WEBHOOK)[2].strip("/"))
