"""A receiver on a socket, for commands that talk to one."""

import threading
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from tests.support.receivers import free_port


@pytest.fixture
def address(filled: FlaskClient) -> Iterator[str]:
    """The URL of a receiver in this process, with a good and a failed build."""
    server = make_server("127.0.0.1", free_port(), filled.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
