"""The notices file: who is told of what, and where. Its addresses and secrets are never shown."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from receiver.config_files import read_text
from receiver.domain.model import Json
from receiver.domain.notices.notice import PATTERNS, SETTLE, TYPES, DigestTime, Notice, Target
from receiver.errors import ConfigError
from receiver.ingest import project_values
from receiver.ingest.notice_targets import read_target
from receiver.ingest.rule_file import key_line, lines_of, parse_toml
from receiver.ingest.senders import NAME
from receiver.settings.durations import parse_duration
from receiver.sources import signatures

Read = Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """The contents of the file; `NoticeSettings()` is an empty one."""

    notices: tuple[Notice, ...] = ()

    @property
    def types(self) -> frozenset[str]:
        """The types on which any notice speaks."""
        return frozenset().union(*(notice.on for notice in self.notices))

    def find(self, name: str) -> Notice | None:
        """Return the notice of this name; None if there is none."""
        return next((notice for notice in self.notices if notice.name == name), None)

    @classmethod
    def parse(
        cls, text: str, file_name: str, folder: Path = Path(), read: Read = read_text
    ) -> "NoticeSettings":
        """Return the contents of a TOML file; the files that it names are in `folder`, and are read
        by `read`. Raises ConfigError with each mistake and its line."""
        reader = _Reader(text, file_name, folder, read)
        notices = tuple(reader.read(parse_toml(text, file_name)))
        if reader.problems:
            raise ConfigError(reader.problems)
        return cls(notices)


def types(value: object) -> frozenset[str]:
    """Return the types of a list. Raises ValueError, like each reader here."""
    known = ", ".join(TYPES)
    if not isinstance(value, list) or not value or not all(each in TYPES for each in value):
        raise ValueError(f"must be a list of some of {known}")
    return frozenset(value)


def settle(value: object) -> timedelta:
    """Return a time with its unit, which may be 0s."""
    span = parse_duration(value) if isinstance(value, str) else None
    if span is None or span > timedelta(days=1):
        raise ValueError('must be a time with its unit of at most a day, such as "0s" or "15m"')
    return span


def digest_time(value: object) -> DigestTime:
    """Return the time of `07:00 Europe/Berlin`."""
    clock, _, zone = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not clock or not zone.strip():
        raise ValueError('must be a time and a time zone, such as "07:00 Europe/Berlin"')
    try:
        return DigestTime(project_values.clock(clock), ZoneInfo(zone.strip()))
    except (OSError, KeyError) as error:  # an unknown zone is a KeyError
        raise ValueError(f"names the time zone {zone.strip()}, which is not known here") from error


def moment(value: object) -> datetime:
    """Return a time with its offset, as TOML writes it or as a text."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ValueError("must be a time with its offset, such as 2027-01-02T08:00:00+01:00")
    return found


READERS: dict[str, Callable[[object], Any]] = {
    "name": project_values.text,
    "on": types,
    **dict.fromkeys(PATTERNS, project_values.text),
    "to": project_values.texts,
    "to_file": project_values.text,
    "settle": settle,
    "digest": digest_time,
    "mute_until": moment,
    "secret": project_values.text,
    "secret_file": project_values.text,
}


class _Reader:
    """Reads each [[notice]] and collects the problems."""

    def __init__(self, text: str, file_name: str, folder: Path, read: Read) -> None:
        self.text, self.file_name = text, file_name
        self.folder, self.read_file = folder, read
        self.problems: list[str] = []

    def read(self, document: Json) -> Iterator[Notice]:
        for name in document.keys() - {"notice"}:
            self._add(key_line(self.text, 1, name), f"write [[notice]], not {name}")
        tables, lines = document.get("notice", []), lines_of(self.text, "notice")
        if not isinstance(tables, list):
            self._add(key_line(self.text, 1, "[notice"), "write [[notice]] with two brackets")
            return
        names: set[str] = set()
        for place, table in enumerate(tables):
            line = lines[place] if place < len(lines) else 1
            notice = self._notice(table, line) if isinstance(table, dict) else None
            if notice and notice.name in names:
                self._add(line, f"there are two notices called {notice.name}")
            if notice:
                names.add(notice.name)
                yield notice

    def _notice(self, table: Json, line: int) -> Notice | None:
        before = len(self.problems)
        values = self._values(table, line)
        for key in ("name", "on"):
            if key not in table:
                self._add(line, f"{key} is missing")
        if not {"to", "to_file"} & table.keys():
            self._add(line, "to is missing: to whom?")
        if not NAME.match(values.get("name", "x")):
            self._add(
                key_line(self.text, line, "name"), "name must be 1 to 100 of A-Z a-z 0-9 . _ -"
            )
        if ("digest" in values) != ("digest" in values.get("on", ())) and "on" in values:
            self._add(line, 'a digest needs both "digest" among on, and digest = "07:00 …"')
        targets = self._targets(values, line)
        secrets = self._secrets(values, line)
        if any(target.is_web for target in targets) and not secrets:
            self._add(line, "an https:// target needs secret or secret_file, which signs the JSON")
        if len(self.problems) > before:
            return None
        patterns = {name: values[name] for name in PATTERNS if name in values}
        return Notice(
            values["name"],
            values["on"],
            targets,
            secrets,
            patterns,
            values.get("settle", SETTLE),
            values.get("digest"),
            values.get("mute_until"),
        )

    def _values(self, table: Json, line: int) -> dict[str, Any]:
        values = {}
        for key, value in table.items():
            try:
                values[key] = READERS[key](value)
            except KeyError:
                known = ", ".join(READERS)
                self._add(key_line(self.text, line, key), f"{key} is unknown; known are {known}")
            except ValueError as error:
                self._add(key_line(self.text, line, key), f"{key} {error}")
        return values

    def _targets(self, values: Mapping[str, Any], line: int) -> tuple[Target, ...]:
        addresses = [("to", place, each) for place, each in enumerate(values.get("to", ()), 1)]
        lines = self._file_lines(values, line, "to_file")
        addresses += [("to_file", place, each) for place, each in enumerate(lines, 1)]
        targets = []
        for key, place, address in addresses:
            try:
                targets.append(read_target(address))
            except ValueError as error:  # it never quotes the address
                self._add(key_line(self.text, line, key), f"{key}, entry {place}, {error}")
        return tuple(dict.fromkeys(targets))

    def _secrets(self, values: Mapping[str, Any], line: int) -> tuple[str, ...]:
        if "secret" in values and "secret_file" in values:
            self._add(line, "secret and secret_file are both set: remove one")
        lines = [values["secret"]] if "secret" in values else []
        lines += self._file_lines(values, line, "secret_file")
        key = "secret" if "secret" in values else "secret_file"
        for secret in lines:
            problem = signatures.check_secret(secret)
            if problem or not secret.startswith(signatures.STANDARD):
                text = "must be 'whsec_' and the base64 of 24 to 64 random bytes"
                self._add(key_line(self.text, line, key), f"{key} {text}")
        return tuple(lines)

    def _file_lines(self, values: Mapping[str, Any], line: int, key: str) -> list[str]:
        """Return the lines of the file that a key names, without comments."""
        if key not in values:
            return []
        try:
            text = self.read_file(self.folder / values[key])
        except ConfigError:
            self._add(key_line(self.text, line, key), f"{key} {values[key]} cannot be read")
            return []
        stripped = (each.strip() for each in text.splitlines())
        lines = [each for each in stripped if each and not each.startswith("#")]
        if not lines:
            self._add(key_line(self.text, line, key), f"{key} {values[key]} is empty")
        return lines

    def _add(self, line: int, problem: str) -> None:
        self.problems.append(f"{self.file_name}, line {line}: {problem}.")
