"""A settings file that is wrong never stops a receiver that has started once."""

import json
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil
import pytest
import requests

from receiver.settings.private_files import write_text
from tests.support.senders import envelope, sign, stage
from tests.torture.machine import Receiver, until

FILES = {
    "stages": '["*"]\nnames = { Frobnicate = 20 }\n',
    "routes": '[[route]]\nsource = "gitlab"\njob = "(?P<build_number>x.*)"\n',
    "projects": '[project."core"]\nowner = "ada"\n',
    "notices": '[[notice]]\nname = "ada"\non = ["late"]\nto = ["json://localhost"]\n',
}
BROKEN = "[[[\n"


@pytest.fixture
def receiver(url: str, tmp_path: Path) -> Iterator[Receiver]:
    """A receiver with one good file of each kind, and a named sender; not started."""
    more = {}
    for kind, text in FILES.items():
        path = tmp_path / f"{kind}.toml"
        path.write_text(text)
        more[f"MILEPOST_{kind.upper()}"] = str(path)
    made = Receiver(tmp_path, url, **more)
    yield made
    made.stop()


def add_sender(receiver: Receiver) -> str:
    """Add a sender called team; return its secret."""
    done = receiver.run("sender", "add", "team", "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["secret"])


def post(receiver: Receiver, secret: str, number: str) -> int:
    """Post as the named sender a stage whose state the file of stages alone knows."""
    body = orjson.dumps(envelope(stage("Frobnicate"), number=number))
    headers = {"Content-Type": "application/json"} | sign(body, secret)
    address = f"{receiver.url}/webhooks/milepost/team"
    return requests.post(address, body, headers=headers, timeout=30).status_code


def break_all(receiver: Receiver) -> None:
    """Leave a secret's file missing, and every settings file broken."""
    folder = receiver.folder
    for kind in FILES:
        (folder / f"{kind}.toml").write_text(BROKEN)
    (folder / "data" / "team-milepost.secret").unlink()
    with (folder / "data" / "senders.toml").open("a") as file:
        file.write("# edited\n")


def lines(receiver: Receiver, event: str) -> list[dict[str, object]]:
    found = [json.loads(each) for each in receiver.log.read_text().splitlines() if each[:1] == "{"]
    return [each for each in found if each.get("event") == event]


def is_renewed(receiver: Receiver, before: list[psutil.Process]) -> bool:
    """Return whether two new workers answer."""
    now = receiver.workers()
    return len(now) == 2 and not set(before) & set(now) and receiver.status("/readyz") == 200


def test_broken_files_stop_no_worker_and_are_named_everywhere(receiver: Receiver):
    secret = add_sender(receiver)
    receiver.start()
    assert receiver.json("/readyz").keys() == {"status", "database", "deliveries", "schema"}
    break_all(receiver)
    until(lambda: len(lines(receiver, "settings file refused")) >= 5, 10, "the log says so")
    for act in (kill_workers, reload_workers, restart):
        act(receiver)
        assert post(receiver, secret, act.__name__) == 202
        build = receiver.json(f"/api/v1/builds/{act.__name__}")
        assert build["current_state"] == 20, "the file's last good stages count"
        warning = str(receiver.json("/readyz")["warning"])
        assert all(kind in warning for kind in (*FILES, "senders"))
    assert 'milepost_settings_file_valid{file="routes"} 0.0' in page(receiver, "/metrics")
    assert "Traceback" not in receiver.log.read_text()


def kill_workers(receiver: Receiver) -> None:
    before = receiver.workers()
    for worker in before:
        worker.kill()
    until(lambda: is_renewed(receiver, before), 20, "new workers answer")


def reload_workers(receiver: Receiver) -> None:
    before = receiver.workers()
    receiver.signal(signal.SIGHUP)
    until(lambda: is_renewed(receiver, before), 20, "new workers answer")


def restart(receiver: Receiver) -> None:
    receiver.stop()
    receiver.start()


def page(receiver: Receiver, path: str, token: str = "") -> str:
    headers = {"Accept": "text/html"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return requests.get(receiver.url + path, headers=headers, timeout=30).text


def test_a_banner_names_the_mistakes_to_administrators_until_they_are_corrected(
    receiver: Receiver,
):
    admin, reader = (
        receiver.run("token", "create", "--name", scope, "--scope", scope).stdout.strip()
        for scope in ("admin", "read")
    )
    receiver.start()
    routes = receiver.folder / "routes.toml"
    routes.write_text("[[route]]\ncolour = 5\n")
    assert "routes.toml, route at line 1: colour is unknown" in page(receiver, "/", admin)
    assert "The settings of routes are wrong" in page(receiver, "/", admin)
    assert "colour" not in page(receiver, "/", reader)
    assert "colour" not in page(receiver, "/")
    assert "colour" not in page(receiver, "/readyz")
    routes.write_text(FILES["routes"])
    assert "are wrong" not in page(receiver, "/", admin)
    assert "warning" not in receiver.json("/readyz")
    assert 'milepost_settings_file_valid{file="routes"} 1.0' in page(receiver, "/metrics")


def test_a_good_edit_counts_for_workers_after_a_broken_one(receiver: Receiver):
    secret = add_sender(receiver)
    receiver.start()
    stages = receiver.folder / "stages.toml"
    stages.write_text('["*"]\nnames = { Frobnicate = 35 }\n')
    kept = receiver.folder / "data" / "last-good" / "stages.json"
    until(lambda: "35" in kept.read_text(), 10, "the master reads the edit")
    stages.write_text(BROKEN)
    kill_workers(receiver)
    assert post(receiver, secret, "later") == 202
    assert receiver.json("/api/v1/builds/later")["current_state"] == 35


def test_a_first_start_with_a_wrong_file_ends_with_one_line(receiver: Receiver):
    routes = receiver.folder / "routes.toml"
    for data, line in (
        (
            b"[[route]]\njob = 'x'\ncolour = 'x'\n",
            "Error: routes.toml, route at line 1: colour is unknown.",
        ),
        (b"[[[", "Error: routes.toml: "),
        ("x = 1".encode("utf-16"), f"Error: {routes}: this is UTF-16: save it as UTF-8."),
        (b"# 1\n\xff", f"Error: {routes}: line 2 is not UTF-8: save the file as UTF-8."),
        (None, f"Error: MILEPOST_ROUTES: there is no file {routes}."),
    ):
        routes.unlink() if data is None else routes.write_bytes(data)
        done = receiver.run("serve", "--bind", f"127.0.0.1:{receiver.port}")
        assert done.returncode == 78
        assert done.stderr.startswith(line)
        assert (done.stdout, done.stderr.count("\n")) == ("", 1)


def test_a_byte_order_mark_is_no_part_of_a_file_or_a_secret(receiver: Receiver):
    secret = add_sender(receiver)
    for path in (*receiver.folder.glob("*.toml"), *(receiver.folder / "data").glob("*.*")):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    file = receiver.folder / "secret"
    file.write_bytes(b"\xef\xbb\xbfbearer:0123456789012345678901234567890123456789\n")
    del receiver.environment["MILEPOST_SECRET_PACKER"]
    receiver.environment["MILEPOST_SECRET_PACKER_FILE"] = str(file)
    receiver.start()
    assert post(receiver, secret, "marked") == 202


def test_kept_secrets_are_private_and_a_removed_sender_is_not_kept(receiver: Receiver):
    add_sender(receiver)
    receiver.start()
    folder = receiver.folder / "data" / "last-good"
    kept = folder / "senders.json"
    until(kept.exists, 10, "the reading is kept")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    receiver.stop()
    assert receiver.run("sender", "remove", "team").returncode == 0
    assert not kept.exists()


def test_a_private_file_is_not_written_through_a_link(tmp_path: Path):
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_text("untouched")
    path.symlink_to(victim)
    write_text(path, "new")
    assert (victim.read_text(), path.read_text()) == ("untouched", "new")
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
