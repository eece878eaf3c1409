"""The settings: one frozen Config, made from the environment and passed down."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from receiver.errors import ConfigError
from receiver.settings.data_directory import data_dir
from receiver.settings.names import SOURCES, is_unknown
from receiver.settings.reader import Network, SettingsReader

DEFAULT_URL = "http://127.0.0.1:8080"
POOLS = ("session", "transaction")  # as PgBouncer names them: pool_mode
STALL_AFTER = timedelta(minutes=15)
LOST_AFTER = timedelta(hours=24)
KEEP_BODIES = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Config:
    """The receiver's settings.

    `database_url` is None for the embedded server. Commands use `admin_url` if it is set.
    `sessions` is off behind a PgBouncer that pools transactions: nothing may outlast one. `prepare`
    is whether statements are prepared. Each of `workers` processes has `threads`. `secrets` are
    those of each source's default sender; a source without one is off. `key_files` hold the keys of
    senders' secrets in the database: the first encrypts, each decrypts. A running build is stalled
    where its heartbeats have stopped for `stall_after`, and lost after a silence of `lost_after`.
    `user_scope` is that of every user whom a proxy signs in, None where their groups decide.
    `audit_log` is stdout, syslog or syslog://HOST:PORT. `unknown` names the MILEPOST_… variables
    that are no settings; `warnings` are sentences about settings that a later release refuses.
    """

    data_dir: Path
    database_url: str | None = None
    admin_url: str | None = None
    sessions: bool = True
    prepare: bool = True
    workers: int = 2
    threads: int = 8
    public_read: bool = False
    public_badges: bool = False
    stages: Path | None = None
    routes: Path | None = None
    senders_file: Path | None = None
    key_files: tuple[Path, ...] = ()
    projects: Path | None = None
    notices: Path | None = None
    external_url: str = DEFAULT_URL
    stall_after: timedelta = STALL_AFTER
    lost_after: timedelta = LOST_AFTER
    keep_bodies: timedelta = KEEP_BODIES
    trusted_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    user_header: str | None = None
    groups_header: str | None = None
    user_scope: str | None = "read"
    audit_log: str | None = None
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def hosts(self) -> frozenset[str]:
        """The host names with dots that a request may name."""
        own = (urlsplit(self.external_url).hostname or "", socket.gethostname().lower())
        return frozenset((*own, *self.trusted_hosts))

    @property
    def pooling(self) -> dict[str, bool]:
        """What the database's connections may do."""
        return {"sessions": self.sessions, "prepare": self.prepare}

    @property
    def direct_url(self) -> str | None:
        """The URL of the database itself, past any PgBouncer; None for the embedded server."""
        return self.admin_url or self.database_url

    @property
    def senders(self) -> Path:
        """The path of the senders file, which need not exist."""
        return self.senders_file or self.data_dir / "senders.toml"


def load(env: Mapping[str, str]) -> Config:
    """Return the settings. Raises ConfigError with every problem."""
    reader = SettingsReader(env)
    is_prepared = reader.flag("MILEPOST_DB_PREPARE", default=True)
    # MILEPOST_DB_PREPARE=0 alone says both, as it did before MILEPOST_DB_POOL.
    pool = reader.choice("MILEPOST_DB_POOL", POOLS, POOLS[0] if is_prepared else POOLS[1])
    config = Config(
        data_dir=data_dir(env),
        database_url=reader.conninfo("DATABASE_URL"),
        admin_url=reader.conninfo("DATABASE_ADMIN_URL"),
        sessions=pool == "session",
        prepare=is_prepared and (pool == "session" or bool(env.get("MILEPOST_DB_PREPARE"))),
        workers=reader.number("MILEPOST_WORKERS", 2),
        threads=reader.number("MILEPOST_THREADS", 8),
        public_read=reader.flag("MILEPOST_PUBLIC_READ"),
        public_badges=reader.flag("MILEPOST_PUBLIC_BADGES"),
        stages=reader.path("MILEPOST_STAGES"),
        routes=reader.path("MILEPOST_ROUTES"),
        projects=reader.path("MILEPOST_PROJECTS"),
        notices=reader.path("MILEPOST_NOTICES"),
        senders_file=Path(path) if (path := env.get("MILEPOST_SENDERS")) else None,
        key_files=reader.paths("MILEPOST_KEY_FILE"),
        external_url=reader.url("MILEPOST_EXTERNAL_URL") or DEFAULT_URL,
        stall_after=reader.duration("MILEPOST_STALL_AFTER", STALL_AFTER),
        lost_after=reader.duration("MILEPOST_LOST_AFTER", LOST_AFTER, needs_unit=True),
        keep_bodies=reader.duration("MILEPOST_KEEP_BODIES", KEEP_BODIES),
        trusted_hosts=reader.hosts("MILEPOST_TRUSTED_HOSTS"),
        trusted_proxies=reader.networks("MILEPOST_TRUSTED_PROXIES"),
        user_header=reader.header("MILEPOST_USER_HEADER"),
        groups_header=reader.header("MILEPOST_GROUPS_HEADER"),
        user_scope=reader.user_scope("MILEPOST_USER_SCOPE"),
        audit_log=reader.audit_log("MILEPOST_AUDIT_LOG"),
        secrets={source: lines for source in SOURCES if (lines := reader.secrets(source))},
        unknown=tuple(sorted(name for name in env if is_unknown(name))),
        warnings=tuple(reader.warnings),  # the last: each reading above may add one
    )
    _check_together(reader, config)
    if reader.problems:
        raise ConfigError(reader.problems)
    return config


def _check_together(reader: SettingsReader, config: Config) -> None:
    reader.refuse_shared(config.secrets)
    if config.admin_url and not config.database_url:
        reader.problems.append("DATABASE_ADMIN_URL is set: set DATABASE_URL too, for the receiver.")
