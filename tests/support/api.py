"""Requests to /api/v1, each with a token."""

from collections.abc import Callable
from functools import cache
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.senders import Json

Token = Callable[..., str]
NAMES = {"project": "core", "platform": "aws", "os_version": "rhel-9.4", "image_type": "web"}


class Api:
    """Sends requests with a token of a scope, for every project or for one."""

    def __init__(self, client: FlaskClient, token: Token) -> None:
        self.client = client
        self.token = cache(token)

    def send(
        self,
        method: str,
        path: str,
        *,
        scope: str = "write",
        project: str | None = None,
        key: str | None = None,
        **body: Any,
    ) -> TestResponse:
        """Send a request with `json`, or with `data` as they are."""
        token = self.token(scope, *(("--project", project) if project else ()))
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **body)

    def post(self, path: str, document: Any = None, **more: Any) -> TestResponse:
        """POST a document, or an empty object."""
        return self.send("POST", path, json=document or {}, **more)

    def items(self, path: str) -> list[Json]:
        """Return the items of a list, as an administrator reads it."""
        response = self.send("GET", path, scope="admin")
        assert response.status_code == 200, response.text
        items: list[Json] = response.get_json()["items"]
        return items

    def create_build(self, number: str = "core-1", **more: str) -> TestResponse:
        """Create a build ahead of its first report."""
        response = self.post("/builds", {"build_number": number, **NAMES, **more})
        assert response.status_code == 201, response.text
        return response
