"""What a person says of a build through /api/v1, in a few words."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

Token = Callable[..., str]
Say = Callable[..., TestResponse]
NAMES = {"project": "core", "platform": "aws", "os_version": "rhel-9.4", "image_type": "web"}


@pytest.fixture
def say(client: FlaskClient, token: Token) -> Say:
    """POST with a token that may write."""
    headers = {"Authorization": f"Bearer {token('write')}"}

    def call(path: str, document: Any = None, **more: Any) -> TestResponse:
        sent = {"headers": headers | more.pop("headers", {}), **more}
        if "data" not in more:
            sent["json"] = document or {}
        return client.post(f"/api/v1{path}", **sent)

    return call


def made(say: Say, number: str = "core-1", **more: str) -> TestResponse:
    """Create a build ahead of its first report."""
    answer = say("/builds", {"build_number": number, **NAMES, **more})
    assert answer.status_code == 201, answer.text
    return answer
