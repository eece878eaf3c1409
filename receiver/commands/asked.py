"""Where commands get their answers: a receiver elsewhere, or the database of these settings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from receiver import db
from receiver.asking import Local, Receiver
from receiver.commands.common import database_url, settings, who
from receiver.remote import Remote
from receiver.routes import Routes
from receiver.senders import Senders
from receiver.services import Services
from receiver.stages import StageMap
from receiver.watched import Watched


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
    parse = partial(Senders.parse, folder=config.senders.parent, taken=config.secrets)
    with db.opened(database_url(config)) as database:
        yield Services(
            config,
            database,
            Watched(config.stages, StageMap.parse, StageMap()),
            Watched(config.routes, Routes.parse, Routes()),
            Watched(config.senders, parse, Senders(), optional=True),
        )
