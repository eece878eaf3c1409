"""The variables of the settings, read with all their problems: see receiver/config.py."""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from receiver.config_files import read_text
from receiver.domain.model import SCOPES
from receiver.errors import ConfigError
from receiver.settings.data_directory import data_dir, kept_reading
from receiver.settings.durations import parse_duration
from receiver.sources import signatures

Network = IPv4Network | IPv6Network
STANDARD_SOURCES = ("milepost", "packer", "cloudevents")
MOST = 64  # workers, and threads of each
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class SettingsReader:
    """Readers of settings that collect problems instead of stopping at the first."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def text(self, name: str) -> str | None:
        """Return the setting, or the contents of the file that <name>_FILE names."""
        path = self.env.get(f"{name}_FILE")
        if path and self.env.get(name):
            self.problems.append(f"{name} and {name}_FILE are both set: remove one.")
        if not path:
            return self.env.get(name) or None
        return self._contents(f"{name}_FILE", path)

    def conninfo(self, name: str) -> str | None:
        """Return a libpq URL."""
        value = self.text(name)
        if value is None:
            return None
        from receiver.storage.connections import url_parameters  # the driver takes a while to load

        try:
            url_parameters(value)
        except ValueError:
            self.problems.append(f"{name} must be as postgresql://user@host/database.")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.env.get(name, "").lower() or ("1" if default else "0")
        if value not in ("0", "1", "true", "false", "yes", "no"):
            self.problems.append(f"{name} must be 1 or 0.")
        return value in ("1", "true", "yes")

    def url(self, name: str) -> str | None:
        """Return a web address without a slash at its end."""
        value = (self.env.get(name) or "").rstrip("/")
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            self.problems.append(f"{name} must be as https://milepost.example.com.")
        elif parts.path or parts.query or parts.fragment or parts.username:
            self.problems.append(
                f"{name} must end with the host name and port: Milepost needs a host name of its "
                "own, and cannot be served below a path."
            )
        return value or None

    def hosts(self, name: str) -> tuple[str, ...]:
        """Return host names without ports, from a list with commas."""
        names = [part.strip().lower() for part in (self.env.get(name) or "").split(",")]
        if not all(_HOST.fullmatch(host) for host in names if host):
            self.problems.append(f"{name} must be names such as milepost.example.com, no ports.")
        return tuple(filter(None, names))

    def networks(self, name: str) -> tuple[Network, ...]:
        """Return addresses or networks, from a list with commas."""
        networks = []
        for part in filter(None, map(str.strip, (self.env.get(name) or "").split(","))):
            try:
                networks.append(ip_network(part))
            except ValueError:
                self.problems.append(f"{name}: {part} must be as 10.0.0.1 or 10.0.0.0/8.")
        return tuple(networks)

    def header(self, name: str) -> str | None:
        """Return the name of a header that a trusted proxy sets."""
        value = self.env.get(name) or None
        if value and not _HEADER.fullmatch(value):
            self.problems.append(f"{name} must be a header's name, such as X-Forwarded-User.")
        if value and not self.env.get("MILEPOST_TRUSTED_PROXIES"):
            self.problems.append(f"{name} needs MILEPOST_TRUSTED_PROXIES: from whom to believe it.")
        return value

    def user_scope(self, name: str) -> str | None:
        """Return the scope of every user whom a proxy signs in; with groups none by default."""
        has_groups = bool(self.env.get("MILEPOST_GROUPS_HEADER"))
        if has_groups and not self.env.get("MILEPOST_USER_HEADER"):
            self.problems.append("MILEPOST_GROUPS_HEADER needs MILEPOST_USER_HEADER.")
        return None if has_groups and not self.env.get(name) else self.choice(name, SCOPES)

    def audit_log(self, name: str) -> str | None:
        """Return where the audit trail goes as it happens."""
        value = self.env.get(name) or None
        if value and not re.fullmatch(r"stdout|syslog(://[\w.-]+(:\d{1,5})?)?", value):
            self.problems.append(f"{name} must be stdout, syslog, or syslog://HOST:514.")
        return value

    def choice(self, name: str, known: tuple[str, ...], default: str = "") -> str:
        """Return one of these words, by default the first."""
        value = self.env.get(name) or default or known[0]
        if value not in known:
            self.problems.append(f"{name} must be one of {', '.join(known)}.")
        return value

    def number(self, name: str, default: int) -> int:
        """Return a number from 1 to 64."""
        value = self.env.get(name) or str(default)
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MOST):
            self.problems.append(f"{name} must be a number from 1 to {MOST}.")
            return default
        return int(value)

    def duration(self, name: str, default: timedelta, *, needs_unit: bool = False) -> timedelta:
        value = self.env.get(name, "").strip()
        duration = parse_duration(value) if value else default
        if value.isascii() and value.isdigit() and not needs_unit:
            duration = parse_duration(f"{value}s")
            self.warnings.append(
                f"{name}={value} has no unit: write {value}s. The next release refuses it."
            )
        if not duration:
            self.problems.append(f"{name} must be a time such as 90s, 15m, 1h or 30d.")
        return duration or default

    def path(self, name: str) -> Path | None:
        """Return the path of a settings file, which may be gone if a good reading is kept."""
        value = self.env.get(name)
        kept = kept_reading(data_dir(self.env), name.removeprefix("MILEPOST_").lower())
        if value and not Path(value).is_file() and not kept.exists():
            self.problems.append(f"{name}: there is no file {value}.")
        return Path(value) if value else None

    def paths(self, name: str) -> tuple[Path, ...]:
        """Return paths, from a list with commas. What is wrong with a file is told later: a missing
        key stops only the senders that need it."""
        return tuple(
            Path(part) for part in map(str.strip, self.env.get(name, "").split(",")) if part
        )

    def secrets(self, source: str) -> tuple[str, ...]:
        """Return the secrets, one a line; all are valid, so that a sender can rotate."""
        name = f"MILEPOST_SECRET_{source.upper()}"
        lines = tuple(line.strip() for line in (self.text(name) or "").splitlines() if line.strip())
        for number, line in enumerate(lines, 1):
            is_checked = source in STANDARD_SOURCES
            if is_checked and (problem := signatures.check_secret(line)):
                self.problems.append(f"{name}, line {number}: {problem}.")
        return lines

    def refuse_shared(self, secrets: Mapping[str, tuple[str, ...]]) -> None:
        """Add a problem for a secret of two sources: either could sign as the other."""
        owners: dict[str, str] = {}
        for source, lines in secrets.items():
            for line in lines:
                other = owners.setdefault(line, source)
                if other != source:
                    self.problems.append(f"{other} and {source} share a secret: make two.")

    def _contents(self, name: str, path: str) -> str | None:
        try:
            return read_text(Path(path)).strip() or None
        except ConfigError as error:
            self.problems.append(f"{name}: {error}")
            return None
