"""The embedded server: real clusters, real processes, real kills."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from receiver.storage.embedded import cluster
from tests.support.clusters import (
    IS_ROOT,
    ask,
    base,
    binaries,
    fresh,
    join,
    leave,
    place,
    postmaster,
    read_lease,
    spawn,
    stopped_cluster,
)

__all__ = ["base", "binaries", "fresh", "join", "place", "spawn", "stopped_cluster"]  # fixtures

FORKED = """
import os, sys
from pathlib import Path
from receiver.storage.embedded import cluster
url = cluster.start(Path(sys.argv[1]))
child = os.fork()
if not child:
    cluster.release(Path(sys.argv[1]))
    sys.exit()
os.waitpid(child, 0)
print(url, flush=True)
sys.stdin.read()
"""


def order(url: str, command: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(command.encode())


def runs(base: Path) -> bool:
    return (base / "data/postmaster.pid").exists()


def wait_for(path: Path) -> None:
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.01)
    pytest.fail(f"{path} never came")


def test_first_start_makes_a_cluster_with_a_database(fresh):
    url = cluster.start(fresh)
    assert url.startswith("postgresql://milepost@/milepost?host=%2F")
    assert ask(url, "SELECT current_user || '@' || current_database()") == "milepost@milepost"


def test_the_cluster_is_utf8_with_the_builtin_locale_in_utc_and_without_tcp(base):
    url = cluster.start(base)
    database = "SELECT datlocprovider::text || datlocale || pg_encoding_to_char(encoding)"
    assert ask(url, f"{database} FROM pg_database WHERE datname = 'milepost'") == "bC.UTF-8UTF8"
    settings = "listen_addresses timezone fsync synchronous_commit shared_buffers max_connections"
    values = [ask(url, f"SHOW {name}") for name in settings.split()]
    assert values == ["", "UTC", "on", "on", "128MB", "100"]
    assert (base / "data").stat().st_mode & 0o777 == 0o700


def test_second_start_joins_the_server(base, join):
    url = cluster.start(base)
    server = postmaster(base)
    assert cluster.start(base) == url
    assert read_lease(join(base))["url"] == url
    assert postmaster(base) == server


def test_server_is_no_child_of_the_process_that_starts_it(base, join):
    assert read_lease(join(base))["children"] == 0


def test_four_processes_that_start_at_once_share_one_server(fresh, join):
    sessions = [join(fresh) for _ in range(4)]
    (url,) = {read_lease(session)["url"] for session in sessions}
    assert ask(url) == 1


def test_last_process_to_leave_stops_the_server(base, join):
    first, last = join(base), join(base)
    url = read_lease(first)["url"]
    read_lease(last)
    leave(first)
    assert ask(url) == 1
    leave(last)
    assert not runs(base)


def test_killed_process_loses_its_lease(base, join):
    killed, last = join(base), join(base)
    read_lease(killed)
    read_lease(last)
    killed.kill()
    killed.wait()
    leave(last)
    assert not runs(base)


def test_forked_child_does_not_release_the_lease_of_its_parent(base, spawn):
    parent = spawn(FORKED, str(base))
    assert ask(parent.stdout.readline().strip()) == 1
    leave(parent)
    assert not runs(base)


def test_server_outlives_a_process_that_does_not_stop_it(base, join):
    session = join(base, stop=False)
    url = read_lease(session)["url"]
    leave(session)
    assert ask(url) == 1


def test_release_can_leave_the_server_running(base):
    url = cluster.start(base)
    cluster.release(base, stop_if_last=False)
    assert ask(url) == 1


def test_killed_server_starts_again_with_its_data(base):
    url = cluster.start(base)
    order(url, "CREATE TABLE kept (number) AS VALUES (7)")
    os.kill(postmaster(base), signal.SIGKILL)
    assert cluster.start(base) == url
    assert ask(url, "SELECT number FROM kept") == 7


@pytest.mark.parametrize("with_initdb", [True, False])
def test_killed_initdb_is_done_again(fresh, join, with_initdb):
    session = join(fresh, start_new_session=True)
    wait_for(fresh / "data.new/global")
    (os.killpg if with_initdb else os.kill)(session.pid, signal.SIGKILL)
    session.wait()
    assert ask(cluster.start(fresh)) == 1
    assert not (fresh / "data.new").exists()


def test_missing_database_is_made_again(base):
    url = cluster.start(base)
    order(url.replace("/milepost?", "/postgres?"), "DROP DATABASE milepost WITH (FORCE)")
    cluster.start(base)
    assert ask(url) == 1


def test_other_process_with_the_id_of_the_old_server_stays_alive(base):
    cluster.start(base)
    data, owner = base / "data", (base / "data").stat()
    kept = {name: (data / name).read_text() for name in ("postmaster.pid", ".s.PGSQL.5432.lock")}
    old = str(postmaster(base))
    cluster.release(base)
    become = {"user": owner.st_uid, "group": owner.st_gid} if IS_ROOT else {}
    with subprocess.Popen(["sleep", "600"], **become) as innocent:
        for name, text in kept.items():
            (data / name).write_text(text.replace(old, str(innocent.pid), 1))
            os.chown(data / name, owner.st_uid, owner.st_gid)
        assert ask(cluster.start(base)) == 1
        cluster.release(base)
        assert innocent.poll() is None
        innocent.kill()


@pytest.mark.parametrize("name", ["a b", """it's "$HOME", 100 %""", "long" * 40])
def test_any_path_works_with_psql_too(place, binaries, monkeypatch, name):
    monkeypatch.setenv("MILEPOST_PG_BIN", str(binaries))
    base = place / name / "milepost"
    url = cluster.start(base)
    psql = str(binaries / "psql")
    command = [psql, url, "-XAtc", "SHOW unix_socket_directories"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    socket_dir = Path(answer.strip().strip('"').replace('""', '"'))
    assert socket_dir.stat().st_mode & 0o777 == 0o700
    cluster.release(base)
    if socket_dir != base / "data":
        socket_dir.rmdir()


def test_port_in_the_environment_does_not_move_the_server(base, monkeypatch):
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    assert ask(cluster.start(base)) == 1


def test_server_does_not_see_our_environment(base, monkeypatch):
    monkeypatch.setenv("MILEPOST_SECRET_GITHUB", "hush")
    cluster.start(base)
    assert "MILEPOST_SECRET_GITHUB" not in psutil.Process(postmaster(base)).environ()


def test_ordinary_user_has_a_cluster_of_its_own(place, join, binaries, monkeypatch):
    user = "nobody" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name
    home = place / "home"
    home.mkdir(mode=0o700)
    os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    monkeypatch.setenv("MILEPOST_PG_BIN", str(binaries))
    session = join(home / "milepost", user=user if IS_ROOT else "")
    assert ask(read_lease(session)["url"]) == 1
    assert (home / "milepost/data").owner() == user
    assert (home / "milepost").stat().st_mode & 0o777 == 0o700
    leave(session)


def test_server_never_runs_as_root(base):
    cluster.start(base)
    user = psutil.Process(postmaster(base)).username()
    assert user == ("milepost" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name)


def test_root_copies_hidden_binaries_and_others_use_them_in_place(
    place, base, binaries, monkeypatch
):
    hidden = place / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(binaries.parents[2], hidden / "site", symlinks=True)
    moved = hidden / "site" / binaries.relative_to(binaries.parents[2])
    monkeypatch.setenv("MILEPOST_PG_BIN", str(moved))
    assert ask(cluster.start(base)) == 1
    program = Path(psutil.Process(postmaster(base)).exe())
    assert program.is_relative_to(base if IS_ROOT else hidden)
    assert hidden.stat().st_mode & 0o777 == 0o700
