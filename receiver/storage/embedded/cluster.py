"""The embedded PostgreSQL: make a cluster, start, repair, join and stop its server.

Every process that uses the cluster holds a lease; the last one stops the server. The server trusts
everyone who can open its socket, so the socket's directory must be private. This module must not
delete a cluster, nor conclude from a process id that a server runs.
"""

import atexit
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from receiver.errors import EmbeddedError
from receiver.storage.embedded import binaries
from receiver.storage.embedded.binaries import ELSEWHERE, ROLE, ServerUser

NAME = "milepost"  # of the database
PORT = 5432  # only in the name of the socket's file; nothing listens on TCP
SOCKET = f".s.PGSQL.{PORT}"
# A socket's path has at most 107 bytes: https://man7.org/linux/man-pages/man7/unix.7.html
SOCKET_DIR_BYTES = 107 - len(f"/{SOCKET}")
RECOVERY_SECONDS = 300
STOP_SECONDS = 60

NETWORK = "afs beegfs ceph cifs gfs2 glusterfs lustre ncpfs nfs nfs4 ocfs2 smb3 smbfs"
LOCAL_FUSE = "fuse.fuse-overlayfs"  # the root of a container that an ordinary user runs


@dataclass(frozen=True, slots=True)
class _Cluster:
    base: Path
    user: ServerUser

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def socket_dir(self) -> Path:
        """Return the data directory, or a private one: libpq takes no long path and no comma."""
        path = os.fsencode(self.data)
        if len(path) <= SOCKET_DIR_BYTES and b"," not in path:
            return self.data
        # Not TMPDIR: every process must find the same one, whatever its environment.
        return Path("/tmp") / f"{NAME}-{hashlib.sha256(path).hexdigest()[:16]}"  # noqa: S108

    @property
    def url(self) -> str:
        """Return the libpq URL of the database."""
        # The port is named because a PGPORT in the environment would replace the default.
        host = quote(os.fsencode(self.socket_dir), safe="")
        return f"postgresql://{ROLE}@/{NAME}?host={host}&port={PORT}"


@dataclass(slots=True)
class _Lease:
    pid: int
    lock: int
    stop_at_exit: bool


_leases: dict[Path, _Lease] = {}


def start(data_dir: Path, *, stop_at_exit: bool = True) -> str:
    """Make, start, repair or join the cluster in `data_dir`. Return its libpq URL.

    Safe to call again at any time, from any thread or process. Raises EmbeddedError.
    """
    base = _absolute(data_dir)
    try:
        cluster = _Cluster(base, binaries.server_user(base / "data"))
        refuse_network(base, {m.mountpoint: m.fstype for m in psutil.disk_partitions(all=True)})
        cluster.user.make_reachable(base)
        with _start_lock(base) as gate:
            if not _has_lease(base):
                _record_owner(cluster)
            _take_lease(base, stop_at_exit=stop_at_exit)
            _ensure_running(cluster, gate)
    except OSError as error:
        raise EmbeddedError(
            f"The embedded PostgreSQL cannot use {base}: {error.strerror}. Set MILEPOST_DATA_DIR "
            f"to a directory of the user who runs Milepost, or {ELSEWHERE}."
        ) from error
    return cluster.url


def release(data_dir: Path, *, stop_if_last: bool = True) -> None:
    """Release this process's lease; the last one stops the server."""
    base = _absolute(data_dir)
    if not _has_lease(base):  # never taken, or a forked child: the lease is its parent's
        return
    lock = _leases.pop(base).lock
    if base.is_dir():  # else it was removed, and the server notices by itself
        with _start_lock(base):
            if _is_last_user(lock) and stop_if_last:
                _stop(base / "data")
            fcntl.flock(lock, fcntl.LOCK_UN)  # explicit: forked children share the open file
    os.close(lock)


def _absolute(data_dir: Path) -> Path:
    return data_dir.expanduser().resolve()


# Locks and leases. The kernel releases them when a process ends in any way.


@contextmanager
def _start_lock(base: Path) -> Iterator[int]:
    """Hold the lock for a start or a stop, against other processes and threads."""
    gate = _open_lock(base / "start.lock")
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield gate
    finally:
        fcntl.flock(gate, fcntl.LOCK_UN)  # explicit: a child forked meanwhile has it open
        os.close(gate)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _has_lease(base: Path) -> bool:
    return base in _leases and _leases[base].pid == os.getpid()


def _take_lease(base: Path, *, stop_at_exit: bool) -> None:
    if _has_lease(base):
        _leases[base].stop_at_exit |= stop_at_exit
        return
    lock = _open_lock(base / "in-use.lock")
    fcntl.flock(lock, fcntl.LOCK_SH)
    _leases[base] = _Lease(os.getpid(), lock, stop_at_exit)
    atexit.register(_release_at_exit, base)


def _release_at_exit(base: Path) -> None:
    if _has_lease(base):
        release(base, stop_if_last=_leases[base].stop_at_exit)


def _is_last_user(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# Checks before anything is changed.


def refuse_network(base: Path, mounted: Mapping[str, str]) -> None:
    """Raise EmbeddedError where hosts may share `base`; `mounted` maps a directory to its type."""
    above = (mounted.get(str(path)) for path in (base, *base.parents))
    kind = next((kind for kind in above if kind), "")
    if kind in NETWORK.split() or (kind.startswith("fuse.") and kind != LOCAL_FUSE):
        raise EmbeddedError(
            f"{base} lies on a network file system ({kind}), where two hosts could start the same "
            f"database. Set MILEPOST_DATA_DIR to a local directory, or {ELSEWHERE}."
        )


def _record_owner(cluster: _Cluster) -> None:
    """Record this host as the owner; refuse while a host that cannot see our processes is one."""
    note = cluster.base / "owner"
    here = _host_identity()
    recorded = note.read_text() if note.exists() else None
    if recorded == here:
        return
    if recorded and (_is_leased(cluster.base) or _is_ready(cluster)):
        raise EmbeddedError(
            f"{cluster.base} is in use by {recorded.splitlines()[0]}, another host or container. "
            f"Stop it first, or {ELSEWHERE}."
        )
    note.unlink(missing_ok=True)
    with note.open("x") as file:  # never through a planted link
        file.write(here)


def _host_identity() -> str:
    """Return the identity of this host, or of this container, which sees no other processes."""
    machine, processes = Path("/etc/machine-id"), Path("/proc/self/ns/pid")
    identity = machine.read_text().strip() if machine.exists() else ""
    space = processes.readlink() if processes.is_symlink() else ""
    return f"{socket.gethostname()}\n{identity}\n{space}\n"


def _is_leased(base: Path) -> bool:
    lock = _open_lock(base / "in-use.lock")
    try:
        return not _is_last_user(lock)
    finally:
        os.close(lock)


# The server. Everything below runs with the start lock held.


def _ensure_running(cluster: _Cluster, gate: int) -> None:
    """Wait for a server that runs; start one that does not."""
    if cluster.data.exists():
        cluster.user.check_private(cluster.data)
    deadline = time.monotonic() + RECOVERY_SECONDS
    failures = 0
    while not _is_ready(cluster):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL does not answer: see {cluster.data}/log.")
        if _processes(cluster.data):  # recovering, or the rest of a killed server is ending
            time.sleep(0.1)
            continue
        bindir = binaries.reachable_binaries(binaries.find_binaries(), cluster.base, cluster.user)
        _make_data(cluster, bindir, gate)
        try:
            _start_server(cluster, bindir)
        except EmbeddedError:
            failures += 1  # it may have been killed once or twice while it started
            if failures == 3:
                raise


def _is_ready(cluster: _Cluster) -> bool:
    """Return whether the server takes connections; if so, make the database where it is missing."""
    try:
        with psycopg.connect(
            cluster.url, dbname="postgres", connect_timeout=5, autocommit=True
        ) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
            if not known.fetchone():
                connection.execute(f"CREATE DATABASE {NAME}")
    except psycopg.OperationalError:
        return False
    return True


def _processes(data: Path) -> list[psutil.Process]:
    """Return the cluster's processes: all have the data directory as their working directory.

    The process id in postmaster.pid proves nothing: it may be another program's by now.
    """
    return [
        process
        for process in psutil.process_iter(["name", "cwd", "status"])
        if process.info["name"] == "postgres"
        and process.info["cwd"] == str(data)
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def _make_data(cluster: _Cluster, bindir: Path, gate: int) -> None:
    """Make the data directory whole or not at all: run initdb aside, then rename it."""
    if (cluster.data / "PG_VERSION").exists():
        binaries.check_version(bindir, cluster.user, cluster.data)
        return
    new = cluster.base / "data.new"
    shutil.rmtree(new, ignore_errors=True)  # of an initdb that was killed
    cluster.user.make_private(new)
    binaries.initdb(bindir, cluster.user, new, lock=gate)
    new.rename(cluster.data)


def _start_server(cluster: _Cluster, bindir: Path) -> None:
    """Start the server, without the files of a dead one: their process ids may be reused."""
    cluster.user.make_private(cluster.socket_dir)
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    (cluster.socket_dir / f"{SOCKET}.lock").unlink(missing_ok=True)
    listed = str(cluster.socket_dir).replace('"', '""')
    where = {"unix_socket_directories": f'"{listed}"', "port": str(PORT)}
    binaries.start_server(bindir, cluster.user, cluster.data, where, wait_seconds=RECOVERY_SECONDS)


def _stop(data: Path) -> None:
    """Stop in fast mode: sessions end, and all data is written."""
    running = _processes(data)
    own = {process.pid for process in running}
    for process in running:
        with suppress(psutil.Error):
            if process.ppid() not in own:  # the postmaster
                process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    while _processes(data) and time.monotonic() < deadline:
        time.sleep(0.05)
