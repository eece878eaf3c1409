"""What a request needs of its app: settings, database, stage map."""

from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from receiver.config import Config
from receiver.db import Database
from receiver.model import Sender
from receiver.routes import Routes
from receiver.senders import Senders
from receiver.stages import StageMap
from receiver.watched import Watched


@dataclass(frozen=True, slots=True)
class Services:
    """One a process, made by create_app."""

    config: Config
    database: Database
    stage_file: Watched[StageMap] = field(repr=False)
    route_file: Watched[Routes] = field(repr=False)
    sender_file: Watched[Senders] = field(repr=False)

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
