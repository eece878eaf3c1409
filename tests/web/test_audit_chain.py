"""The chain of the audit trail: what was changed or removed is found, and lines go out."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.server import audit_log
from tests.support.api import Api

Command = Callable[..., Result]


@pytest.fixture
def five(api: Api) -> Api:
    """Entries of the chain: a token, and four projects."""
    for name in ("a", "b", "c", "d"):
        assert api.post("/projects", {"name": name}).status_code == 201
    return api


def verify(command: Command, *arguments: str) -> tuple[int, dict[str, object]]:
    done = command("audit", "verify", "--json", *arguments)
    return done.exit_code, json.loads(done.stdout)


def change(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        assert connection.execute(statement.encode()).rowcount == 1


@pytest.mark.usefixtures("five")
def test_chain_of_entries_is_whole(command: Command):
    code, found = verify(command)
    assert (code, found["problems"], found["before"], found["since"]) == (0, [], 0, 0)
    assert found["entries"] == 5


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE audit SET who = 'eve' WHERE seq = 3", "Entry 3 of"),
        ("UPDATE audit SET after = '{}' WHERE seq = 3", "Entry 3 of"),
        ("UPDATE audit SET at = at - interval '1 day' WHERE seq = 3", "Entry 3 of"),
        ("UPDATE audit SET digest = '\\x00' WHERE seq = 3", "Entry 3 of"),
        ("DELETE FROM audit WHERE seq = 3", "Entries are missing before 4."),
    ],
)
@pytest.mark.usefixtures("five")
def test_changed_or_missing_entry_is_found(command: Command, url: str, statement: str, words: str):
    change(url, statement)
    code, found = verify(command)
    assert code == 1
    assert any(words in each for each in found["problems"]), found  # type: ignore[attr-defined]


def test_exported_lines_tell_that_the_end_was_cut_or_the_chain_made_anew(
    five: Api, command: Command, url: str, tmp_path: Path
):
    lines = command("audit", "export").stdout
    entries = [json.loads(line) for line in lines.splitlines()]
    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry["previous"] for entry in entries[1:]] == [each["digest"] for each in entries[:4]]
    file = tmp_path / "audit.jsonl"
    file.write_text(lines)
    assert verify(command, str(file))[0] == 0
    change(url, "DELETE FROM audit WHERE seq = 5")
    assert verify(command)[0] == 0
    code, found = verify(command, str(file))
    assert (code, found["problems"]) == (1, ["Entry 5 is missing at the end."])
    five.post("/projects", {"name": "another"})
    code, found = verify(command, str(file))
    assert found["problems"] == ["Entry 5 is another one than the line that was exported."]


def test_entries_of_an_older_release_are_counted_and_exported(api: Api, command: Command, url: str):
    old = """
        INSERT INTO audit (id, who, via, action, target_kind)
        VALUES (gen_random_uuid(), 'old', 'command', 'x', 'y')
    """
    change(url, old)
    api.post("/projects", {"name": "a"})
    change(url, old)
    code, found = verify(command)
    assert (code, found["entries"], found["before"], found["since"]) == (0, 2, 1, 1)
    assert len(command("audit", "export").stdout.splitlines()) == 4


def test_entries_at_once_follow_each_other(api: Api, command: Command):
    api.token("write")
    begin = threading.Barrier(8)

    def add(name: str) -> None:
        begin.wait()
        assert api.post("/projects", {"name": name}).status_code == 201

    threads = [threading.Thread(target=add, args=[f"p{place}"]) for place in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    code, found = verify(command)
    assert (code, found["entries"]) == (0, 9)


def test_entries_go_to_a_log_once_and_in_order(client: FlaskClient, api: Api):
    database = client.application.extensions["milepost"].database
    lines: list[str] = []
    api.post("/projects", {"name": "before"})
    assert audit_log.send(database, "stdout", lines.append) == 0
    for name in ("a", "b"):
        api.post("/projects", {"name": name})
    assert audit_log.send(database, "stdout", lines.append) == 2
    assert audit_log.send(database, "stdout", lines.append) == 0
    assert [json.loads(line)["target_name"] for line in lines] == ["a", "b"]
    assert json.loads(lines[0])["event"] == "audit"


def test_syslog_gets_a_line_in_one_packet():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        with audit_log.writer(f"syslog://127.0.0.1:{receiver.getsockname()[1]}") as write:
            write('{"event":"audit"}')
        assert receiver.recv(2000) == b'<38>milepost: {"event":"audit"}'


def test_line_that_syslog_does_not_take_is_no_line_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "log"
    monkeypatch.setattr(audit_log, "LOCAL", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        with audit_log.writer("syslog") as write:
            write("first")
            receiver.close()
            with pytest.raises(OSError, match=r"refused|No such file"):
                write("second")


def test_line_that_is_too_long_for_syslog_stops_no_other():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        with audit_log.writer(f"syslog://127.0.0.1:{receiver.getsockname()[1]}") as write:
            write("x" * 70_000)
            write("next")
        assert receiver.recv(2000) == b"<38>milepost: next"
