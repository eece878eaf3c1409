"""Documents of settings: checked by the readers of the files, encrypted where they hold secrets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tomlkit

from receiver.config import Config
from receiver.domain.stage_map import StageMap
from receiver.errors import ConfigError
from receiver.ingest.notice_settings import NoticeSettings
from receiver.ingest.project_settings import ProjectSettings
from receiver.ingest.routing import Routes

KINDS = ("stages", "routes", "projects")
MASK = "***"
# What a comment may hold of them.
_ADDRESS, _SECRET = re.compile(r"://[^\s\"',\]]+"), re.compile(r"whsec_[\w+/=-]+")


def read_no_file(path: Path) -> str:
    """Raise ConfigError: a document has no folder in which another file could be."""
    raise ConfigError([f"{path.name} is a file: write what is in it into the document itself."])


PARSERS: Mapping[str, Callable[[str, str], object]] = {
    "stages": StageMap.parse,
    "routes": Routes.parse,
    "projects": ProjectSettings.parse,
    "notices": partial(NoticeSettings.parse, read=read_no_file),
}


@dataclass(frozen=True, slots=True)
class Documents:
    """How documents are read and written; `paths` are the files that replace them, by kind."""

    paths: Mapping[str, Path | None]

    @classmethod
    def of(cls, config: Config) -> "Documents":
        """Return it for these settings."""
        return cls({kind: getattr(config, kind) for kind in KINDS})

    def check(self, kind: str, text: str, name: str) -> None:
        """Raise ConfigError with every mistake and its line."""
        PARSERS[kind](text, name)

    def shown(self, kind: str, document: str, *, reveal: bool) -> str:
        """Return the text of a document, without secrets and addresses unless they are wanted."""
        return document if reveal or kind != "notices" else _masked(document)


def _masked(text: str) -> str:
    """Return a document of notices without secrets, and of addresses the scheme alone."""
    document = tomlkit.parse(text)
    for table in document.get("notice", []):
        if "secret" in table:
            table["secret"] = MASK
        if "to" in table:
            table["to"] = [f"{str(each).partition('://')[0]}://{MASK}" for each in table["to"]]
    shown = _ADDRESS.sub(f"://{MASK}", tomlkit.dumps(document))
    return _SECRET.sub(MASK, shown)
