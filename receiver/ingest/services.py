"""What a request needs of its app: settings, database, stage map."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from receiver.config import Config
from receiver.config_files import Watched
from receiver.domain.model import Sender
from receiver.domain.stages import StageMap
from receiver.ingest.batching import Gathering
from receiver.ingest.routing import Routes
from receiver.ingest.senders import Senders
from receiver.storage import record
from receiver.storage.db import WAIT_SECONDS, Database
from receiver.storage.deliveries import Entry, Recorded

MOST = 32  # deliveries in one transaction
MOMENT_SECONDS = 0.03  # what it may wait for as many as came before


@dataclass(frozen=True, slots=True)
class Services:
    """One a process, made by create_app."""

    config: Config
    database: Database
    stage_file: Watched[StageMap] = field(repr=False)
    route_file: Watched[Routes] = field(repr=False)
    sender_file: Watched[Senders] = field(repr=False)
    recording: Gathering[Entry, Recorded] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Deliveries that wait share a transaction."""
        recording = Gathering(self._record, most=MOST, patience=WAIT_SECONDS, moment=MOMENT_SECONDS)
        object.__setattr__(self, "recording", recording)

    def _record(self, entries: Sequence[Entry]) -> Sequence[Recorded | Exception]:
        return record.record_all(self.database, entries, self.stages())

    def stages(self) -> StageMap:
        """The stage map, read again when its file changed."""
        return self.stage_file.get()

    def routes(self) -> Routes:
        """The routes, read again when their file changed."""
        return self.route_file.get()

    def named_senders(self) -> Senders:
        """The senders file, read again when it changed."""
        return self.sender_file.get()

    def senders(self) -> list[Sender]:
        """Every sender that may post: each source's default one, and those of the file."""
        secrets = self.config.secrets
        return [
            *(Sender(source, "", lines) for source, lines in secrets.items()),
            *self.named_senders().senders,
        ]

    def sender(self, source: str, name: str) -> Sender | None:
        """The sender of this name; '' is the source's default one, which has a secret or is off."""
        if name:
            return self.named_senders().find(source, name)
        secrets = self.config.secrets.get(source)
        return Sender(source, "", secrets) if secrets else None


def services() -> Services:
    """The services of the app that serves this request."""
    return cast(Services, current_app.extensions["milepost"])
