"""A session of requests that an application in this process answers, without any socket.

The caller is named in the WSGI environ, where no request of a network can put a name.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter

from receiver.app import create_app
from receiver.cli.database import actor, database_url, settings
from receiver.storage import driver_errors
from receiver.storage.audit import Actor
from receiver.web.auth import ACTOR

URL = "http://localhost"


class WsgiAdapter(BaseAdapter):
    """A transport adapter onto a Flask application."""

    def __init__(self, app: Any, actor: Actor) -> None:
        super().__init__()
        self._client, self._environ = app.test_client(use_cookies=False), {ACTOR: actor}

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the application's answer."""
        answer = self._client.open(
            request.path_url,
            method=request.method,
            headers=dict(request.headers),
            data=request.body,
            environ_overrides=self._environ,
        )
        response = requests.Response()
        response.request, response.url = request, str(request.url)
        response.status_code, response.raw = answer.status_code, BytesIO(answer.data)
        response.headers.update(answer.headers)
        return response

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def open_session() -> Iterator[requests.Session]:
    """Yield a session on the database of the settings, as the user of this process."""
    config = settings()
    config = replace(config, database_url=database_url(config), sessions=True, prepare=True)
    logging.disable()  # the command itself says what went wrong
    app = create_app(config)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    try:
        with driver_errors.translated_errors(), requests.Session() as session:
            session.mount(URL, WsgiAdapter(app, actor()))
            yield session
    finally:
        app.extensions["milepost"].database.close()
        logging.disable(logging.NOTSET)
