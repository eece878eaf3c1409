"""The embedded PostgreSQL: make a cluster, start it, repair it, join it, and stop it at the end.

Every process that uses the cluster holds a lease; the last one out stops the server. The server
trusts everyone who reaches its socket, so the socket's directory must be private. Nothing here
may delete a cluster, or guess from a process id that a server lives.
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
        """The data directory, else a private one: libpq takes no long path and no comma."""
        path = os.fsencode(self.data)
        if len(path) <= SOCKET_DIR_BYTES and b"," not in path:
            return self.data
        # Not TMPDIR: every process must find the same one, whatever its environment.
        return Path("/tmp") / f"{NAME}-{hashlib.sha256(path).hexdigest()[:16]}"  # noqa: S108

    @property
    def url(self) -> str:
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
    """Make, start, repair or join the cluster in `data_dir`; returns its libpq URL.

    Safe to call again at any time, from any thread or process. Raises EmbeddedError.
    """
    base = _absolute(data_dir)
    try:
        cluster = _Cluster(base, binaries.server_user(base / "data"))
        refuse_network(base, {m.mountpoint: m.fstype for m in psutil.disk_partitions(all=True)})
        cluster.user.make_reachable(base)
        with _alone(base) as gate:
            if not _ours(base):
                _claim(cluster)
            _take_lease(base, stop_at_exit=stop_at_exit)
            _bring_up(cluster, gate)
    except OSError as error:
        raise EmbeddedError(
            f"The embedded PostgreSQL cannot use {base}: {error.strerror}. Set MILEPOST_DATA_DIR "
            f"to a directory of the user who runs Milepost, or {ELSEWHERE}."
        ) from error
    return cluster.url


def release(data_dir: Path, *, stop_if_last: bool = True) -> None:
    """Give this process's lease back; the last one out stops the server."""
    base = _absolute(data_dir)
    if not _ours(base):  # never taken, or a forked child: the lease is its parent's
        return
    lock = _leases.pop(base).lock
    if base.is_dir():  # else it was removed, and the server notices by itself
        with _alone(base):
            if _only_user(lock) and stop_if_last:
                _stop(base / "data")
            fcntl.flock(lock, fcntl.LOCK_UN)  # explicit: forked children share the open file
    os.close(lock)


def _absolute(data_dir: Path) -> Path:
    return data_dir.expanduser().resolve()


# Locks and leases. The kernel frees them however a process ends.


@contextmanager
def _alone(base: Path) -> Iterator[int]:
    """Hold the lock around every start and stop, among processes and threads."""
    gate = _open_lock(base / "start.lock")
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield gate
    finally:
        fcntl.flock(gate, fcntl.LOCK_UN)  # explicit: a child forked meanwhile has it open
        os.close(gate)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _ours(base: Path) -> bool:
    return base in _leases and _leases[base].pid == os.getpid()


def _take_lease(base: Path, *, stop_at_exit: bool) -> None:
    if _ours(base):
        _leases[base].stop_at_exit |= stop_at_exit
        return
    lock = _open_lock(base / "in-use.lock")
    fcntl.flock(lock, fcntl.LOCK_SH)
    _leases[base] = _Lease(os.getpid(), lock, stop_at_exit)
    atexit.register(_leave, base)


def _leave(base: Path) -> None:
    if _ours(base):
        release(base, stop_if_last=_leases[base].stop_at_exit)


def _only_user(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# What is refused before anything is touched.


def refuse_network(base: Path, mounted: Mapping[str, str]) -> None:
    """Raise EmbeddedError where `mounted` (directory to type) says that hosts may share `base`."""
    above = (mounted.get(str(path)) for path in (base, *base.parents))
    kind = next((kind for kind in above if kind), "")
    if kind in NETWORK.split() or (kind.startswith("fuse.") and kind != LOCAL_FUSE):
        raise EmbeddedError(
            f"{base} lies on a network file system ({kind}), where two hosts could start the same "
            f"database. Set MILEPOST_DATA_DIR to a local directory, or {ELSEWHERE}."
        )


def _claim(cluster: _Cluster) -> None:
    """Note who uses the cluster; refuse while somebody who cannot see our processes does."""
    note = cluster.base / "owner"
    here = _here()
    recorded = note.read_text() if note.exists() else None
    if recorded == here:
        return
    if recorded and (_leased(cluster.base) or _answers(cluster)):
        raise EmbeddedError(
            f"{cluster.base} is in use by {recorded.splitlines()[0]}, another host or container. "
            f"Stop it first, or {ELSEWHERE}."
        )
    note.unlink(missing_ok=True)
    with note.open("x") as file:  # never through a link that somebody put there
        file.write(here)


def _here() -> str:
    """This host; a container counts as one, since it cannot see the others' processes."""
    machine, processes = Path("/etc/machine-id"), Path("/proc/self/ns/pid")
    identity = machine.read_text().strip() if machine.exists() else ""
    space = processes.readlink() if processes.is_symlink() else ""
    return f"{socket.gethostname()}\n{identity}\n{space}\n"


def _leased(base: Path) -> bool:
    lock = _open_lock(base / "in-use.lock")
    try:
        return not _only_user(lock)
    finally:
        os.close(lock)


# The server. Everything below runs with the lock held.


def _bring_up(cluster: _Cluster, gate: int) -> None:
    """Wait for a server that lives, start one that does not."""
    if cluster.data.exists():
        cluster.user.check_private(cluster.data)
    deadline = time.monotonic() + RECOVERY_SECONDS
    failures = 0
    while not _answers(cluster):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL does not answer: see {cluster.data}/log.")
        if _processes(cluster.data):  # recovering, or what a killed server left is just ending
            time.sleep(0.1)
            continue
        bindir = binaries.reachable(binaries.find(), cluster.base, cluster.user)
        _make_data(cluster, bindir, gate)
        try:
            _start_server(cluster, bindir)
        except EmbeddedError:
            failures += 1  # once or twice it may have been killed while it started
            if failures == 3:
                raise


def _answers(cluster: _Cluster) -> bool:
    """Tell whether the server takes connections; then also make the database if it is missing."""
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
    """The cluster's live processes: all have the data directory as their working directory.

    A process id in postmaster.pid proves nothing: it may belong to an innocent by now.
    """
    return [
        process
        for process in psutil.process_iter(["name", "cwd", "status"])
        if process.info["name"] == "postgres"
        and process.info["cwd"] == str(data)
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def _make_data(cluster: _Cluster, bindir: Path, gate: int) -> None:
    """All or nothing: initdb works aside, then the directory is renamed."""
    if (cluster.data / "PG_VERSION").exists():
        binaries.check_version(bindir, cluster.user, cluster.data)
        return
    new = cluster.base / "data.new"
    shutil.rmtree(new, ignore_errors=True)  # of an initdb that was killed
    cluster.user.make_private(new)
    binaries.initdb(bindir, cluster.user, new, lock=gate)
    new.rename(cluster.data)


def _start_server(cluster: _Cluster, bindir: Path) -> None:
    """Start it, without what a dead server left: the ids in there may be others' by now."""
    cluster.user.make_private(cluster.socket_dir)
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    (cluster.socket_dir / f"{SOCKET}.lock").unlink(missing_ok=True)
    listed = str(cluster.socket_dir).replace('"', '""')
    where = {"unix_socket_directories": f'"{listed}"', "port": str(PORT)}
    binaries.start(bindir, cluster.user, cluster.data, where, wait_seconds=RECOVERY_SECONDS)


def _stop(data: Path) -> None:
    """Stop in fast mode: sessions are ended, all is written."""
    running = _processes(data)
    own = {process.pid for process in running}
    for process in running:
        with suppress(psutil.Error):
            if process.ppid() not in own:  # the postmaster
                process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    while _processes(data) and time.monotonic() < deadline:
        time.sleep(0.05)
