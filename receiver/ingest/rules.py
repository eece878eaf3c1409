"""The rules of an installation: stage map, routes, senders, projects, notices. Their files are
watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from receiver.config import Config
from receiver.config_files import NamedFiles, WatchedFile
from receiver.data_directory import kept_reading
from receiver.domain.delivery import Sender
from receiver.domain.notices import causes
from receiver.domain.stage_map import StageMap
from receiver.ingest.notice_settings import NoticeSettings
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.routing import Routes
from receiver.ingest.senders import Senders

KINDS = ("stages", "routes", "senders", "projects", "notices")


@dataclass(frozen=True, slots=True)
class Rules:
    """One a process. `secrets` are those of each source's default sender."""

    secrets: Mapping[str, tuple[str, ...]] = field(repr=False)
    stage_file: WatchedFile[StageMap] = field(repr=False)
    route_file: WatchedFile[Routes] = field(repr=False)
    sender_file: WatchedFile[Senders] = field(repr=False)
    project_file: WatchedFile[ProjectSettings] = field(repr=False)
    notice_file: WatchedFile[NoticeSettings] = field(repr=False)

    @classmethod
    def load(cls, config: Config) -> "Rules":
        """Read the files that the settings name; of one that is wrong now, the last good reading.

        Raises ConfigError with the mistakes of a file of which none was kept.
        """
        named = NamedFiles()
        parse = partial(
            Senders.parse, folder=config.senders.parent, taken=config.secrets, read=named.read
        )
        of_notices = NamedFiles()
        parse_notices = partial(
            NoticeSettings.parse, folder=notices_folder(config), read=of_notices.read
        )
        kept = {kind: kept_reading(config.data_dir, kind) for kind in KINDS}
        return cls(
            config.secrets,
            WatchedFile(config.stages, StageMap.parse, StageMap(), kept=kept["stages"]),
            WatchedFile(config.routes, Routes.parse, Routes(), kept=kept["routes"]),
            WatchedFile(
                config.senders, parse, Senders(), optional=True, named=named, kept=kept["senders"]
            ),
            WatchedFile(
                config.projects, ProjectSettings.parse, ProjectSettings(), kept=kept["projects"]
            ),
            WatchedFile(
                config.notices,
                parse_notices,
                NoticeSettings(),
                named=of_notices,
                kept=kept["notices"],
            ),
        )

    def files(self) -> dict[str, WatchedFile[Any]]:
        """Return each file by its kind."""
        files = (
            *(self.stage_file, self.route_file, self.sender_file),
            *(self.project_file, self.notice_file),
        )
        return dict(zip(KINDS, files, strict=True))

    def refresh(self) -> None:
        """Read again what has changed, and keep it for the next start; for the master alone."""
        for file in self.files().values():
            file.get()
            file.keep()

    def problems(self) -> dict[str, tuple[str, ...]]:
        """Return the problems of each file that is wrong now, by kind; its last good reading is
        in use."""
        for file in self.files().values():
            file.get()
        return {kind: file.problems for kind, file in self.files().items() if file.problems}

    def stages(self) -> StageMap:
        """Return the stage map."""
        return self.stage_file.get()

    def routes(self) -> Routes:
        """Return the routes."""
        return self.route_file.get()

    def projects(self) -> ProjectSettings:
        """Return the settings of projects."""
        return self.project_file.get()

    def notices(self) -> NoticeSettings:
        """Return who is told of what."""
        return self.notice_file.get()

    def noted(self) -> frozenset[str]:
        """Return the causes of notices that are worth noting: none where nobody is told."""
        return causes.wanted(self.notices().types)

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


def notices_folder(config: Config) -> Path:
    """Return the folder of the files that the notices file names."""
    return config.notices.parent if config.notices else Path()
