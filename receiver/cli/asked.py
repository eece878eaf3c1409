"""Where commands get their answers: a receiver elsewhere, or the database of these settings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from receiver.cli.asking import Local, Receiver
from receiver.cli.client import Remote
from receiver.cli.output import database_url, settings, who
from receiver.ingest.services import Services
from receiver.storage import db


@contextmanager
def asked() -> Iterator[Receiver]:
    """The receiver at MILEPOST_URL where MILEPOST_TOKEN is set too, else the database.

    Hooks need the URL alone, so that says nothing yet.
    """
    url, token = (os.environ.get(name, "").strip() for name in ("MILEPOST_URL", "MILEPOST_TOKEN"))
    if url and token:
        yield Remote(url, token)
        return
    with opened() as services:
        yield Local(services, who())


@contextmanager
def opened() -> Iterator[Services]:
    """What a worker has, for a command."""
    config = settings()
    with db.opened(database_url(config)) as database:
        yield Services.start(config, database)
