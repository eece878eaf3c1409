"""What this receiver tells the others through the database: which settings files it reads, and the
contents of its file of stages, so that all receivers fold with one map."""

import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from receiver import log
from receiver.config_files import WatchedFile
from receiver.errors import HttpError
from receiver.storage import settings_files
from receiver.storage.db import Database, DriverError

RECEIVER = uuid4()  # made by the master, before its workers fork: one for all of them
CONTENTS = "stages"  # the kind whose contents all receivers have to share
AGAIN_SECONDS = 1.0


class AnnouncedFiles:
    """The files of this receiver, by kind."""

    def __init__(self, files: Mapping[str, WatchedFile[Any]], *, is_alone: bool) -> None:
        """`is_alone` is a receiver whose database no other one has."""
        self._files, self._is_alone = files, is_alone
        self._database: Database | None = None
        self._lock = Lock()
        self._said: str | None = None
        self._again_at = float("-inf")
        self._versions = (0, 0)  # that of the file of stages, and the newest

    def bind(self, database: Database) -> None:
        """Say it through this database from now on."""
        self._database = database

    def say_news(self) -> bool:
        """Say it if the file of stages has other contents than what was said last; return whether
        it did. While the database is away it is tried again a second later."""
        file = self._files[CONTENTS]
        file.get()
        if not file.path or file.text == self._said or time.monotonic() < self._again_at:
            return False
        try:
            self.say()
        except (HttpError, DriverError):
            self._said = None
            self._again_at = time.monotonic() + AGAIN_SECONDS
            return False
        return True

    def say_again(self) -> None:
        """Say it if it was not said lately, or the file of stages does not count.

        Raises Unavailable, SchemaMissing.
        """
        paths = self._paths()
        if self._database and paths:
            with self._database.reading().transaction() as connection:
                is_said = settings_files.is_said(connection, RECEIVER, len(paths))
            if not is_said:
                self.say()

    def say(self) -> None:
        """Say which files are read; nothing on a standby, whose receiver only reads. Raises
        Unavailable, SchemaMissing."""
        paths = self._paths()
        if not paths or self._database is None:
            return
        if self._database.read_only_reason():
            self._said = self._files[CONTENTS].text
            return
        with self._lock, self._database.transaction() as connection:
            path = paths.pop(CONTENTS, None)
            settings_files.note(connection, RECEIVER, paths)
            if path:
                own, newest = settings_files.note_contents(
                    connection, RECEIVER, CONTENTS, path, self._read, is_alone=self._is_alone
                )
                self._log(own, newest)

    def _paths(self) -> dict[str, Path]:
        return {kind: file.path for kind, file in self._files.items() if file.path}

    def _read(self) -> str:
        """Return the file of stages as it is now."""
        file = self._files[CONTENTS]
        file.get()
        self._said = file.text
        return file.text

    def _log(self, own: int, newest: int) -> None:
        """Say once that this file does not count."""
        before, self._versions = self._versions, (own, newest)
        if own == newest or self._versions == before:
            return
        path = str(self._files[CONTENTS].path)
        log.get().warning("older stages file", path=path, version=own, newest=newest)
