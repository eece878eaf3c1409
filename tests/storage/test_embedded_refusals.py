"""Directories, clusters and file systems that the embedded server refuses."""

import os
import pwd
from pathlib import Path

import pytest

from receiver.errors import EmbeddedError
from receiver.storage.embedded import binaries, cluster
from tests.support.clusters import (
    IS_ROOT,
    ask,
    base,
    fresh,
    join,
    leave,
    place,
    read_lease,
    spawn,
    stopped_cluster,
)

__all__ = ["base", "fresh", "join", "place", "spawn", "stopped_cluster"]  # fixtures


def lay_out(base: Path, *, version: int) -> Path:
    """A data directory that looks like a cluster."""
    base.mkdir()
    user = binaries.server_user(base / "data")
    user.make_private(base / "data")
    (base / "data/PG_VERSION").write_text(f"{version}\n")
    return base / "data"


def test_closed_directory_is_refused_and_not_changed(place):
    closed = place / "closed"
    closed.mkdir(mode=0o700 if IS_ROOT else 0o500)  # root's own, as /root is
    mode = closed.stat().st_mode
    with pytest.raises(EmbeddedError, match=r"MILEPOST_DATA_DIR.*DATABASE_URL"):
        cluster.start(closed / "milepost")
    assert closed.stat().st_mode == mode
    assert not list(closed.iterdir())


def test_missing_binaries_are_refused_with_advice(fresh, place, monkeypatch):
    monkeypatch.setenv("MILEPOST_PG_BIN", str(place))
    with pytest.raises(EmbeddedError, match="MILEPOST_PG_BIN"):
        cluster.start(fresh)


def test_cluster_of_another_major_version_is_refused(fresh):
    lay_out(fresh, version=16)
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 16.*restore the dump"):
        cluster.start(fresh)


def test_cluster_that_others_can_enter_is_refused(fresh):
    lay_out(fresh, version=18).chmod(0o755)
    with pytest.raises(EmbeddedError, match="mode 0700"):
        cluster.start(fresh)


def test_root_refuses_a_cluster_that_anyone_may_have_planted(fresh):
    data = lay_out(fresh, version=18)
    fresh.chmod(0o777)
    os.chown(data, pwd.getpwnam("nobody").pw_uid if IS_ROOT else -1, -1)
    with pytest.raises(EmbeddedError, match="mode 0700" if IS_ROOT else "does not start"):
        cluster.start(fresh)


def test_error_of_a_failed_start_holds_the_reason(fresh):
    lay_out(fresh, version=18)
    with pytest.raises(EmbeddedError, match=r"does not start: .*postgresql\.conf"):
        cluster.start(fresh)


def test_cluster_in_use_by_another_host_is_refused(base, join):
    session = join(base)
    read_lease(session)
    (base / "owner").write_text("elsewhere\n0\n")
    with pytest.raises(EmbeddedError, match="in use by elsewhere"):
        cluster.start(base)
    leave(session)


def test_cluster_that_another_host_left_is_taken_over(base):
    cluster.start(base)
    cluster.release(base)
    (base / "owner").write_text("elsewhere\n0\n")
    assert ask(cluster.start(base)) == 1
    assert "elsewhere" not in (base / "owner").read_text()


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "ceph"])
def test_network_file_system_is_refused(kind):
    with pytest.raises(EmbeddedError, match=kind):
        cluster.refuse_network(Path("/srv/share/milepost"), {"/": "ext4", "/srv/share": kind})


@pytest.mark.parametrize("kind", ["ext4", "xfs", "overlay", "tmpfs", "fuse.fuse-overlayfs"])
def test_local_file_system_below_a_network_one_is_accepted(kind):
    cluster.refuse_network(Path("/srv/local/milepost"), {"/": "nfs4", "/srv/local": kind})
