"""The rules of an installation: stage map, routes, senders, projects, notices.

A file that is given is the whole truth of its kind, and is watched. Without one the newest document
in the database counts, for every receiver of it.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from receiver.config import Config
from receiver.config_files import NamedFiles, WatchedFile
from receiver.domain.delivery import Sender
from receiver.domain.notices import causes
from receiver.domain.notices.notice import TYPES
from receiver.domain.stage_map import StageMap
from receiver.errors import Unavailable
from receiver.ingest import sender_keys
from receiver.ingest.announced_files import AnnouncedFiles
from receiver.ingest.notice_settings import NoticeSettings
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.routing import Routes
from receiver.ingest.sender_store import read_senders
from receiver.ingest.senders import Senders
from receiver.ingest.settings_documents import read_notices
from receiver.ingest.stored_settings import (
    StoredSetting,
    StoredSettings,
    read_document,
    stored_document,
)
from receiver.settings.data_directory import kept_reading
from receiver.storage.db import Connection, Database
from receiver.storage.settings import KINDS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rules:
    """One a process. `secrets` are those of each source's default sender; `stored` is what is in
    the database."""

    secrets: Mapping[str, tuple[str, ...]] = field(repr=False)
    stage_file: WatchedFile[StageMap] = field(repr=False)
    route_file: WatchedFile[Routes] = field(repr=False)
    sender_file: WatchedFile[Senders] = field(repr=False)
    project_file: WatchedFile[ProjectSettings] = field(repr=False)
    notice_file: WatchedFile[NoticeSettings] = field(repr=False)
    stored: StoredSettings = field(repr=False)
    is_alone: bool = False  # no other receiver has this database
    is_sender_file_given: bool = False
    announced: "AnnouncedFiles" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Put together what the other receivers are told."""
        files = self.files()
        if not self.is_sender_file_given:  # that of the data directory counts beside the database
            del files["senders"]
        announced = AnnouncedFiles(files, is_alone=self.is_alone)
        object.__setattr__(self, "announced", announced)

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
            _stored(config),
            is_alone=config.database_url is None,
            is_sender_file_given=config.senders_file is not None,
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

    def bind(self, database: Database) -> None:
        """Ask this database for what no file says; in a process of its own, not in the master."""
        self.stored.bind(database.reading())
        self.announced.bind(database)

    def renew(self) -> None:
        """Read again what has changed in the database, at most once a second. It takes a connection
        of its own: call it outside every transaction. Tell other receivers what is new here, unless
        the database has just not answered: a request waits for it once."""
        self.stored.renew()
        if self.stored.is_answered and self.announced.say_news():
            with suppress(Unavailable):
                self.stored.renew_now()

    def read(self, connection: Connection) -> None:
        """Read what is in the database through this connection; for commands."""
        self.stored.read(connection)

    def problems(self) -> dict[str, tuple[str, ...]]:
        """Return the problems of each kind that is wrong now; its last good reading is in use."""
        stored, found = self.stored_problems(), {}
        for kind, file in self.files().items():
            file.get()
            if problems := (*file.problems, *stored.get(kind, ())):
                found[kind] = problems
        return found

    def stored_problems(self) -> dict[str, tuple[str, ...]]:
        """Return the problems of what is in the database, save the kinds that a file replaces."""
        given = {kind for kind, file in self.files().items() if file.path}
        if not self.is_sender_file_given:
            given -= {"senders"}
        found = self.stored.problems().items()
        return {kind: problems for kind, problems in found if kind not in given}

    def stages(self) -> StageMap:
        """Return the newest stage map in the database, where the contents of the receivers' files
        are as well: their builds jump between no two maps. Until it could be read the file counts.

        Raises Unavailable, as the others do, where no file says it and the database could not be
        read yet.
        """
        file = self.stage_file.get()
        if self.stage_file.path and not self.stored.kinds["stages"].is_read:
            return file
        version, stages = self.stored.get("stages")
        return stages if version else file

    def routes(self) -> Routes:
        """Return the routes."""
        return self._of(self.route_file, "routes")

    def projects(self) -> ProjectSettings:
        """Return the settings of projects."""
        return self._of(self.project_file, "projects")

    def notices(self) -> NoticeSettings:
        """Return who is told of what."""
        return self._of(self.notice_file, "notices")

    def _of(self, file: WatchedFile[T], kind: str) -> T:
        if file.path:
            return file.get()
        value: T = self.stored.get(kind)[1]
        return value

    def noted(self) -> frozenset[str]:
        """Return the causes of notices that are worth noting: none where nobody is told. Where this
        receiver cannot read the notices, as without their key, another one may."""
        try:
            return causes.wanted(self.notices().types)
        except Unavailable:
            return causes.wanted(frozenset(TYPES))

    def named_senders(self) -> Senders:
        """Return the named senders and the defaults: those of the file that is given, else those of
        the database and, beside them, of the file in the data directory."""
        if self.is_sender_file_given:
            return self.sender_file.get()
        stored: Senders = self.stored.get("senders")
        return stored.beside(self.sender_file.get())

    def senders(self) -> list[Sender]:
        """Return every sender that may post: each source's default one, and the named ones."""
        defaults = (Sender(source, "", lines) for source, lines in self.secrets.items())
        return [*defaults, *self.named_senders().senders]

    def sender(self, source: str, name: str) -> Sender | None:
        """Return the sender of this name; '' is the source's default one. None where it is off."""
        if name:
            return self.named_senders().find(source, name)
        secrets = self.secrets.get(source)
        return Sender(source, "", secrets) if secrets else None

    def renewed_sender(self, source: str, name: str) -> Sender | None:
        """Return the sender as the database has it now, before anybody is refused.

        Raises Unavailable where the database is away, and ReadOnly where it is a standby, which may
        be behind: the primary may have the sender, or another secret.
        """
        if name and not self.is_sender_file_given:
            self.stored.renew_now()
            self.stored.require_primary()
        return self.sender(source, name)


def notices_folder(config: Config) -> Path:
    """Return the folder of the files that the notices file names."""
    return config.notices.parent if config.notices else Path()


def _stored(config: Config) -> StoredSettings:
    """Return what is in the database; nothing of it is read yet."""
    kinds: tuple[StoredSetting[Any], ...] = (
        StoredSetting("stages", _stage_map),
        stored_document("routes", Routes.parse, Routes()),
        stored_document("projects", ProjectSettings.parse, ProjectSettings()),
        StoredSetting(
            "notices",
            partial(read_notices, config),
            stamp=partial(sender_keys.stamp, sender_keys.key_files(config)),
        ),
        StoredSetting(
            "senders",
            partial(read_senders, config),
            stamp=partial(sender_keys.stamp, sender_keys.key_files(config)),
        ),
    )
    return StoredSettings({each.kind: each for each in kinds})


def _stage_map(connection: Connection) -> tuple[tuple[int, StageMap], tuple[str, ...]]:
    """Return version and contents of the newest stage map, which knows its version."""
    (version, stages), problems = read_document("stages", StageMap.parse, StageMap(), connection)
    return (version, replace(stages, version=version)), problems
