"""The rules of an installation: stage map, routes, senders, projects. Their files are watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from receiver.config import Config
from receiver.config_files import WatchedFile
from receiver.domain.model import Sender
from receiver.domain.stage_map import StageMap
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.routing import Routes
from receiver.ingest.senders import Senders


@dataclass(frozen=True, slots=True)
class Rules:
    """One a process. `secrets` are those of each source's default sender."""

    secrets: Mapping[str, tuple[str, ...]] = field(repr=False)
    stage_file: WatchedFile[StageMap] = field(repr=False)
    route_file: WatchedFile[Routes] = field(repr=False)
    sender_file: WatchedFile[Senders] = field(repr=False)
    project_file: WatchedFile[ProjectSettings] = field(repr=False)

    @classmethod
    def load(cls, config: Config) -> "Rules":
        """Read the files that the settings name. Raises ConfigError with every mistake."""
        parse = partial(Senders.parse, folder=config.senders.parent, taken=config.secrets)
        return cls(
            config.secrets,
            WatchedFile(config.stages, StageMap.parse, StageMap()),
            WatchedFile(config.routes, Routes.parse, Routes()),
            WatchedFile(config.senders, parse, Senders(), optional=True),
            WatchedFile(config.projects, ProjectSettings.parse, ProjectSettings()),
        )

    def stages(self) -> StageMap:
        """Return the stage map."""
        return self.stage_file.get()

    def routes(self) -> Routes:
        """Return the routes."""
        return self.route_file.get()

    def projects(self) -> ProjectSettings:
        """Return the settings of projects."""
        return self.project_file.get()

    def named_senders(self) -> Senders:
        """Return the senders file."""
        return self.sender_file.get()

    def senders(self) -> list[Sender]:
        """Return every sender that may post: each source's default one, and those of the file."""
        defaults = (Sender(source, "", lines) for source, lines in self.secrets.items())
        return [*defaults, *self.named_senders().senders]

    def sender(self, source: str, name: str) -> Sender | None:
        """Return the sender of this name; '' is the source's default one. None where it is off."""
        if name:
            return self.named_senders().find(source, name)
        secrets = self.secrets.get(source)
        return Sender(source, "", secrets) if secrets else None
