"""Senders in the database: their secrets, the keys that encrypt them, and who is refused how."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import orjson
import psycopg
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from receiver.cli.main import main
from receiver.config import Config
from receiver.errors import ConfigError, Invalid, Taken
from receiver.ingest import stored_settings
from receiver.ingest.sender_keys import SenderKeys, make_own_key
from receiver.ingest.sender_store import SenderStore
from receiver.storage import db, senders, settings
from receiver.storage.audit import Actor
from tests.support.forges import workflow_job
from tests.support.receivers import MILEPOST
from tests.support.senders import (
    add_sender,
    build_numbers,
    envelope,
    get_build,
    manifest,
    proof,
    stage,
)

Serve = Callable[[Config], FlaskClient]
Command = Callable[..., Result]
DOCUMENTS = {
    "milepost": envelope(stage("Base")),
    "cloudevents": {"specversion": "1.0", "type": "x", "source": "/x", "id": "1"},
    "packer": manifest({}),
    "github": workflow_job("completed", "success"),
    "gitlab": {"object_kind": "x"},
    "jenkins": {"build": {"number": 1}},
}
AWAY = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(os.urandom(32))
    return path


@pytest.fixture
def own(config: Config, key: Path) -> Config:
    """A receiver's settings: an external database, and a key."""
    return replace(config, key_files=(key,))


@pytest.fixture
def receiver(serve: Serve, own: Config) -> FlaskClient:
    return serve(own)


@pytest.fixture
def command(own: Config, tmp_path: Path) -> Command:
    """`milepost …` with the same key."""

    def run(*arguments: str, key_files: str = str(own.key_files[0]), **more: str) -> Result:
        env = {
            "DATABASE_URL": str(own.database_url),
            "MILEPOST_DATA_DIR": str(tmp_path),
            "MILEPOST_KEY_FILE": key_files,
        }
        return CliRunner().invoke(main, arguments, env=env | more)

    return run


@pytest.fixture
def store(own: Config) -> Iterator[SenderStore]:
    with db.connect(str(own.database_url)) as connection:
        yield SenderStore(own, connection, Actor("ada", "page"))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the database at each request: what a receiver knows after a second, it knows at once."""
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 0.0)


def deliver(client: FlaskClient, path: str, secret: str, document: object, **more: str):
    source = path.split("/")[2]
    headers = {"X-GitHub-Event": "workflow_job"} if source == "github" else {}
    body = orjson.dumps(document)
    headers |= proof(source, secret, body) | more
    return client.post(path, data=body, headers=headers, content_type="application/json")


def listed(command: Command, **more: str) -> list[dict[str, object]]:
    result = command("sender", "list", "--json", **more)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, object]] = orjson.loads(result.stdout)
    return rows


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("source", DOCUMENTS)
def test_a_new_sender_is_taken_at_its_first_delivery_and_a_removed_one_is_not(
    receiver: FlaskClient, command: Command, source: str
):
    assert receiver.post(f"/webhooks/{source}/team-a").status_code == 404
    path, secret = add_sender(command, "team-a", "--source", source)
    document = DOCUMENTS[source]
    assert deliver(receiver, path, secret, document).status_code in (202, 422)
    wrong = secret[:9] + "AAAA" + secret[13:]
    assert deliver(receiver, path, wrong, document).status_code == 401
    assert command("sender", "remove", "team-a").exit_code == 0
    assert deliver(receiver, path, secret, document).status_code == 404


@pytest.mark.usefixtures("at_once")
def test_a_new_secret_is_taken_within_the_second_in_which_the_old_one_was(
    receiver: FlaskClient, command: Command, monkeypatch: pytest.MonkeyPatch
):
    path, old = add_sender(command, "team-a")
    assert deliver(receiver, path, old, envelope(stage("a"))).status_code == 202
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 3600.0)
    new = re.search(r"MILEPOST_SECRET=(\S+)", command("sender", "rotate", "team-a").stdout)
    assert new
    assert deliver(receiver, path, new[1], envelope(stage("b"))).status_code == 202
    assert deliver(receiver, path, old, envelope(stage("c"))).status_code == 202
    assert command("sender", "rotate", "team-a", "--finish").exit_code == 0
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 0.0)
    assert deliver(receiver, path, old, envelope(stage("d"))).status_code == 401
    assert deliver(receiver, path, new[1], envelope(stage("e"))).status_code == 202


@pytest.mark.parametrize("has_key", [True, False], ids=["database", "file"])
def test_eight_commands_at_once_add_eight_senders(
    serve: Serve, own: Config, tmp_path: Path, has_key: bool
):
    key = {"MILEPOST_KEY_FILE": str(own.key_files[0])} if has_key else {}
    env = {"PATH": os.defpath, "DATABASE_URL": str(own.database_url)} | key
    env["MILEPOST_DATA_DIR"] = str(tmp_path)
    begun = [
        Popen([MILEPOST, "sender", "add", f"team-{n}", "--json"], env=env, stdout=PIPE)
        for n in range(8)
    ]
    made = [orjson.loads(process.communicate(timeout=120)[0]) for process in begun]
    client = serve(own)
    for each in made:
        path = f"/webhooks/milepost/{each['name']}"
        answer = deliver(client, path, each["secret"], envelope(stage(each["name"])))
        assert answer.status_code == 202
    assert len({each["name"] for each in made}) == 8


def test_a_name_that_exists_is_refused_and_changes_nothing(command: Command, store: SenderStore):
    add_sender(command, "team-a")
    again = command("sender", "add", "team-a")
    assert again.exit_code != 0
    assert "There is a milepost sender called team-a: rotate or remove it." in again.stderr
    with pytest.raises(Taken):
        store.create("milepost", "team-a")
    assert [row["secrets"] for row in listed(command)] == [1]


def test_no_secret_is_in_the_database(command: Command, url: str):
    made = {source: add_sender(command, "team-a", "--source", source)[1] for source in DOCUMENTS}
    with psycopg.connect(url) as connection:
        rows: dict[str, str] = dict(
            connection.execute("SELECT source, secrets[1] FROM senders").fetchall()
        )
        everything = str(connection.execute("SELECT * FROM audit").fetchall()) + str(rows)
    digests = {source for source, kept in rows.items() if kept.startswith("sha256:")}
    assert digests == {"packer", "gitlab", "jenkins"}
    assert all(rows[each].startswith("fernet:") for each in DOCUMENTS.keys() - digests)
    for secret in made.values():
        assert secret not in everything
        assert secret.removeprefix("bearer:").removeprefix("milepost:") not in everything


def test_each_change_is_in_the_audit_trail(command: Command):
    add_sender(command, "team-a", "--project", "core")
    for more in (["rotate", "team-a"], ["rotate", "team-a", "--finish"], ["remove", "team-a"]):
        assert command("sender", *more).exit_code == 0
    changes = orjson.loads(command("audit", "--json").stdout)
    assert [each["action"] for each in changes] == [
        "sender.remove",
        "sender.rotate",
        "sender.rotate",
        "sender.add",
    ]
    assert changes[-1]["after"] == {"source": "milepost", "projects": ["core"]}


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


def test_a_file_that_is_given_is_the_whole_truth(
    serve: Serve, own: Config, command: Command, tmp_path: Path
):
    path, secret = add_sender(command, "team-a")
    file = tmp_path / "given.toml"
    file.write_text('[[sender]]\nsource = "packer"\nname = "of-file"\nsecret_file = "of-file"\n')
    (tmp_path / "of-file").write_text("bearer:of-the-file\n")
    client = serve(replace(own, senders_file=file))
    assert deliver(client, path, secret, envelope(stage("x"))).status_code == 404
    taken = deliver(client, "/webhooks/packer/of-file", "bearer:of-the-file", manifest({}))
    assert taken.status_code == 202
    given = {"MILEPOST_SENDERS": str(file)}
    assert [row["name"] for row in listed(command, **given)] == ["of-file"]
    before = file.read_text()
    for arguments in (["add", "team-c"], ["remove", "of-file"], ["rotate", "of-file"], ["import"]):
        refused = command("sender", *arguments, **given)
        assert refused.exit_code != 0
        assert "MILEPOST_SENDERS names a file, which is the whole truth" in refused.stderr
    assert file.read_text() == before
    with db.connect(str(own.database_url)) as connection:
        store = SenderStore(replace(own, senders_file=file), connection, Actor("ada", "page"))
        with pytest.raises(ConfigError):
            store.create("packer", "team-c")


@pytest.mark.usefixtures("at_once")
def test_the_file_in_the_data_directory_counts_beside_the_database(
    receiver: FlaskClient, command: Command
):
    path, secret = add_sender_to_the_file(command)
    other_path, other = add_sender(command, "team-b")
    for place, (to, of) in enumerate(((path, secret), (other_path, other))):
        assert deliver(receiver, to, of, envelope(stage(str(place)))).status_code == 202
    assert [(row["name"], row["place"]) for row in listed(command)] == [
        ("team-b", "database"),
        ("team-a", "file"),
    ]
    taken = command("sender", "add", "team-a")
    assert taken.exit_code != 0
    assert "in the file of this host" in taken.stderr


@pytest.mark.usefixtures("at_once")
def test_imported_senders_keep_their_secrets_and_a_removed_one_is_out_of_both(
    receiver: FlaskClient,
    serve: Serve,
    own: Config,
    command: Command,
    tmp_path: Path,
):
    path, secret = add_sender_to_the_file(command)
    assert command("sender", "import").stdout == "team-a is in the database.\n"
    assert command("sender", "import").stdout == "There is none to copy.\n"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = serve(replace(own, data_dir=elsewhere))
    for place, client in enumerate((receiver, other)):
        assert deliver(client, path, secret, envelope(stage(str(place)))).status_code == 202
    assert "[[sender]]" in (tmp_path / "senders.toml").read_text()  # for the release before
    with db.connect(str(own.database_url)) as connection:
        store = SenderStore(own, connection, Actor("ada", "page"))
        with pytest.raises(Invalid, match="removes both"):
            store.remove("milepost", "team-a")
    assert command("sender", "remove", "team-a").exit_code == 0
    for client in (receiver, other):
        assert deliver(client, path, secret, envelope(stage("x"))).status_code == 404
    assert "team-a" not in (tmp_path / "senders.toml").read_text()


def test_a_made_up_secret_is_encrypted_as_its_digest_could_be_guessed(
    receiver: FlaskClient, command: Command, tmp_path: Path, url: str
):
    text = '[[sender]]\nsource = "jenkins"\nname = "team-a"\nsecret_file = "own"\n'
    (tmp_path / "senders.toml").write_text(text)
    (tmp_path / "own").write_text("jenkins:summer\n")
    assert command("sender", "import").exit_code == 0
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT secrets[1] FROM senders").fetchone()
    assert row
    assert row[0].startswith("fernet:")
    answer = deliver(
        receiver, "/webhooks/jenkins/team-a", "jenkins:summer", {"build": {"number": 1}}
    )
    assert answer.status_code == 202


def add_sender_to_the_file(command: Command) -> tuple[str, str]:
    """Add a sender as the release before did: without a key it goes to the file."""

    def without_key(*arguments: str) -> Result:
        return command(*arguments, key_files="")

    return add_sender(without_key, "team-a")


@pytest.mark.usefixtures("at_once")
def test_defaults_are_a_document_in_the_database(receiver: FlaskClient, command: Command, url: str):
    with db.connect(url) as connection:
        default = '[[default]]\nsender = "team-a"\nplatform = "aws"\n'
        settings.write_document(connection, "senders", default, "ada")
    path, secret = add_sender(command, "team-a")
    assert deliver(receiver, path, secret, envelope(stage("x"))).status_code == 202
    assert get_build(receiver)["platform"] == "aws"


@pytest.mark.usefixtures("at_once")
def test_disabled_senders_keep_what_they_send_until_they_are_enabled(
    receiver: FlaskClient, command: Command, url: str
):
    path, secret = add_sender(command, "team-a")
    with db.connect(url) as connection:
        assert senders.disable_all(connection) == 1
    refused = deliver(receiver, path, secret, envelope(stage("x")))
    assert (refused.status_code, refused.get_json()["code"]) == (503, "sender-unavailable")
    assert "milepost sender enable" in refused.get_json()["detail"]
    assert listed(command)[0]["state"] == "disabled"
    assert command("sender", "enable", "team-b").exit_code != 0
    assert command("sender", "enable", "--all").stdout == "milepost team-a is enabled.\n"
    assert deliver(receiver, path, secret, envelope(stage("x"))).status_code == 202


def test_nobody_is_refused_for_good_while_the_database_is_away(
    serve: Serve, own: Config, command: Command
):
    client = serve(replace(own, database_url=AWAY))
    path, secret = add_sender(command, "team-a")
    assert deliver(client, path, secret, envelope(stage("x"))).status_code == 503
    wrong = deliver(client, "/webhooks/milepost", "whsec_" + "A" * 32, envelope(stage("x")))
    assert wrong.status_code == 401, "the default sender's secret is no matter of the database"


def test_guesses_are_counted_for_a_sender_of_the_database(receiver: FlaskClient, command: Command):
    path, _ = add_sender(command, "team-a", "--source", "packer")
    answers = [
        deliver(receiver, path, f"bearer:guess-{place}", manifest({})).status_code
        for place in range(121)
    ]
    assert answers == [401] * 120 + [429]
    assert build_numbers(receiver) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_root_makes_a_key_for_the_user_of_the_data_directory(tmp_path: Path):
    os.chown(tmp_path, 12345, 12345)
    make_own_key(tmp_path / "milepost.key")
    made = (tmp_path / "milepost.key").stat()
    assert (made.st_uid, made.st_mode & 0o777) == (12345, 0o600)


def test_a_key_that_is_there_is_never_replaced(tmp_path: Path):
    make_own_key(tmp_path / "milepost.key")
    kept = (tmp_path / "milepost.key").read_text()
    make_own_key(tmp_path / "milepost.key")
    assert (tmp_path / "milepost.key").read_text() == kept
    assert [each.name for each in tmp_path.iterdir()] == ["milepost.key"]
