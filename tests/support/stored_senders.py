"""Senders in the database: what they deliver, and how a command lists them."""

from collections.abc import Callable

import orjson
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.senders import (
    proof,
)

Command = Callable[..., Result]


def deliver(client: FlaskClient, path: str, secret: str, document: object, **more: str):
    source = path.split("/")[2]
    headers = {"X-GitHub-Event": "workflow_job"} if source == "github" else {}
    body = orjson.dumps(document)
    headers |= proof(source, secret, body) | more
    return client.post(path, data=body, headers=headers, content_type="application/json")


def listed(command: Command, **more: str) -> list[dict[str, object]]:
    result = command("sender", "list", "--json", **more)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, object]] = orjson.loads(result.stdout)
    return rows
