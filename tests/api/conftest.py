"""Two good builds of one image, with channels."""

import pytest
from flask.testing import FlaskClient

from tests.support.api import Api
from tests.support.channels import create, report


@pytest.fixture
def two(client: FlaskClient, api: Api) -> Api:
    """Two good builds of one image, and the channels dev and prod."""
    report(client, "n-1", 10, "us-1:ami-1", "eu-1:ami-2")
    report(client, "n-2", 20, "us-1:ami-3")
    for name in ("dev", "prod"):
        create(api, name)
    return api
