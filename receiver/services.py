"""What a request needs of its app: settings, database, stage map."""

from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from receiver.config import Config
from receiver.db import Database
from receiver.routes import Routes
from receiver.stages import StageMap
from receiver.watched import Watched


@dataclass(frozen=True, slots=True)
class Services:
    """One a process, made by create_app."""

    config: Config
    database: Database
    stage_file: Watched[StageMap] = field(repr=False)
    route_file: Watched[Routes] = field(repr=False)

    def stages(self) -> StageMap:
        """The stage map, read again when its file changed."""
        return self.stage_file.get()

    def routes(self) -> Routes:
        """The routes, read again when their file changed."""
        return self.route_file.get()


def services() -> Services:
    """The services of the app that serves this request."""
    return cast(Services, current_app.extensions["milepost"])
