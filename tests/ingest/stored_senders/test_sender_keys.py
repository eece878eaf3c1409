"""Keys of the secrets in the database: rotated, wrong, corrected and made."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.ingest.sender_keys import SenderKeys, make_own_key
from tests.support.senders import (
    add_sender,
    envelope,
    manifest,
    stage,
)
from tests.support.stored_senders import Command, deliver, listed

Serve = Callable[[Config], FlaskClient]
NOTICES = '[[notice]]\nname = "x"\non = ["failed"]\nto = ["slack://A/B/C"]\n'


def test_a_key_is_rotated_while_both_are_there(
    serve: Serve, own: Config, command: Command, tmp_path: Path
):
    path, secret = add_sender(command, "team-a")
    new = tmp_path / "new key"
    new.write_text("a new key, which a person has written into a file\n")
    both = f"{new},{own.key_files[0]}"
    done = command("sender", "rotate-key", key_files=both)
    assert done.stdout == "1 secrets are encrypted with the first key.\n"
    for files in ((new,), (new, own.key_files[0])):
        client = serve(replace(own, key_files=files))
        assert deliver(client, path, secret, envelope(stage(str(files)))).status_code == 202
    assert listed(command, key_files=str(new))[0]["state"] == "on"
    assert listed(command)[0]["state"] == "no key decrypts its secret"
    without = command("sender", "rotate-key")
    assert without.exit_code != 0
    assert "No key decrypts a secret of milepost team-a: nothing was changed." in without.stderr


def test_nothing_is_added_with_a_key_that_the_receivers_do_not_have(
    command: Command, key: Path, tmp_path: Path
):
    add_sender(command, "team-a")
    add_sender(command, "team-b")
    (tmp_path / "wrong").write_bytes(os.urandom(32))
    wrong = {"key_files": str(tmp_path / "wrong")}
    refused = command("sender", "add", "team-c", **wrong)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "the receivers' key is another one" in refused.stderr
    assert [row["name"] for row in listed(command)] == ["team-a", "team-b"]
    (tmp_path / "notices").write_text(NOTICES)
    refused = command("settings", "set", "notices", str(tmp_path / "notices"), **wrong)
    assert (refused.exit_code, "the receivers' key is another one" in refused.stderr) == (1, True)
    key.unlink()
    assert command("sender", "rotate", "team-a", **wrong).exit_code == 0, "the way out of a loss"
    assert command("sender", "add", "team-c", **wrong).exit_code == 0


def test_a_key_of_notices_is_rotated_where_a_file_has_the_senders(
    command: Command, own: Config, tmp_path: Path
):
    file, notices, new = tmp_path / "given.toml", tmp_path / "notices", tmp_path / "new"
    file.touch()
    notices.write_text(NOTICES)
    new.write_bytes(os.urandom(32))
    given = {"MILEPOST_SENDERS": str(file)}
    assert command("sender", "rotate-key", **given).exit_code == 78, "nothing of it is there"
    assert command("settings", "set", "notices", str(notices), **given).exit_code == 0
    done = command("sender", "rotate-key", key_files=f"{new},{own.key_files[0]}", **given)
    assert (done.exit_code, "and the notices are encrypted" in done.stdout) == (0, True)
    shown = command("settings", "show", "notices", "--reveal", key_files=str(new))
    assert shown.stdout == notices.read_text()


def test_the_last_line_of_a_key_may_end_or_not(tmp_path: Path):
    for name, data in (("plain", b"k" * 40), ("line", b"k" * 40 + b"\n")):
        (tmp_path / name).write_bytes(data)
    sealed = SenderKeys([tmp_path / "plain"]).encrypt("secret")
    assert SenderKeys([tmp_path / "line"]).decrypt(sealed) == "secret"


def test_with_a_wrong_key_signing_senders_get_503_and_all_others_go_on(
    serve: Serve, own: Config, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path, secret = add_sender(command, "team-a")
    other_path, token = add_sender(command, "team-b", "--source", "packer")
    wrong = tmp_path / "wrong"
    wrong.write_bytes(os.urandom(32))
    short = tmp_path / "short"
    short.write_text("too short")
    os.mkfifo(tmp_path / "pipe")
    for files in ((wrong,), (short,), (tmp_path / "absent",), (tmp_path / "pipe",), ()):
        client = serve(replace(own, key_files=files))
        refused = deliver(client, path, secret, envelope(stage("x")))
        assert (refused.status_code, refused.get_json()["code"]) == (503, "sender-unavailable")
        assert "milepost doctor" in refused.get_json()["detail"]
        taken = deliver(client, other_path, token, manifest({"name": f"of {files}"}))
        assert taken.status_code == 202
        assert "senders" in client.get("/readyz").get_json()["warning"]
    log = capsys.readouterr().out
    assert "No key here decrypts the secrets of milepost team-a" in log
    assert "holds 9 bytes" in log
    assert secret not in log


@pytest.mark.usefixtures("at_once")
def test_a_key_that_is_corrected_counts_without_a_restart(
    serve: Serve, own: Config, command: Command, tmp_path: Path
):
    path, secret = add_sender(command, "team-a")
    late = tmp_path / "late"
    client = serve(replace(own, key_files=(late,)))
    assert deliver(client, path, secret, envelope(stage("x"))).status_code == 503
    late.write_bytes(own.key_files[0].read_bytes())
    assert deliver(client, path, secret, envelope(stage("x"))).status_code == 202


def test_a_key_is_made_for_the_user_of_the_data_directory(tmp_path: Path):
    owner = os.geteuid() or 12345  # only root can give a directory to another user
    os.chown(tmp_path, owner, -1)
    make_own_key(tmp_path / "milepost.key")
    made = (tmp_path / "milepost.key").stat()
    assert (made.st_uid, made.st_mode & 0o777) == (owner, 0o600)


def test_a_key_that_is_there_is_never_replaced(tmp_path: Path):
    make_own_key(tmp_path / "milepost.key")
    kept = (tmp_path / "milepost.key").read_text()
    make_own_key(tmp_path / "milepost.key")
    assert (tmp_path / "milepost.key").read_text() == kept
    assert [each.name for each in tmp_path.iterdir()] == ["milepost.key"]


def test_pages_of_a_receiver_without_the_key_of_the_notices_say_so(
    serve: Serve, config: Config, command: Command, tmp_path: Path
):
    (tmp_path / "notices").write_text(NOTICES)
    assert command("settings", "set", "notices", str(tmp_path / "notices")).exit_code == 0
    client = serve(config)
    paths = ("/", "/notices", "/notices.json", "/setup", "/api/v1/notices", "/metrics", "/readyz")
    got = {path: client.get(path) for path in paths}
    assert {path: each.status_code for path, each in got.items()} == dict.fromkeys(paths, 200)
    assert "cannot be read here" in got["/notices"].text
    assert "The file that" not in got["/notices"].text
