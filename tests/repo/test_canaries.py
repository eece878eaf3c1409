"""Secrets are planted wherever somebody might put one; none comes out anywhere.

Raw bodies are for administrators. A sender's words of a failure, in a manifest or as an address
are stored unchanged, and masked for readers.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil
import psycopg
import pytest

from tests.support.canaries import (
    NAMED,
    SECRETS,
    Visitor,
    found_in,
    plant,
    post_deliveries,
    post_refused,
    read_everything,
)
from tests.support.kept_bodies import kept_bodies
from tests.support.receivers import started

# Where a sender's own words are kept; a body is there until it is pruned.
WORDS = {
    "bodies.body",  # compressed, unless it is short
    "events.statement",
    "events.manifest",
    "builds.packer_manifest",
    "builds.run_url",
    "build_states.error_message",
    "build_failures.error_message",
    "build_failures.error_details",
    "artifacts.custom_data",
}


@pytest.fixture(scope="module")
def visitor(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    settings = {f"MILEPOST_SECRET_{name.upper()}": secret for name, secret in SECRETS.items()}
    settings["MILEPOST_PUBLIC_READ"] = "0"
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_text(f"{plant('key of the senders'):-<40}")
    settings["MILEPOST_KEY_FILE"] = str(key)
    database = f"{module_url}&password={plant('password of the database')}"
    with started(database, **settings) as running:
        folder = Path(running.environment["MILEPOST_DATA_DIR"])
        (folder / "team.secret").write_text(NAMED)
        (folder / "senders.toml").write_text(
            '[[sender]]\nname = "team"\nsource = "milepost"\nsecret_file = "team.secret"\n'
        )
        assert running.run("sender", "import").returncode == 0  # encrypted in the database now
        visitor = Visitor(running)
        post_deliveries(visitor)
        post_refused(visitor)
        read_everything(visitor)
        yield visitor


def test_the_planted_secrets_arrived(visitor: Visitor):
    """Else the rest would prove nothing."""
    bodies = kept_bodies(visitor.receiver.environment["DATABASE_URL"])
    text = b"".join(body or b"" for body in bodies).decode()
    expected = {"text", "detail", "manifest", "log of jenkins", "event", "github's job"}
    assert expected <= found_in(text)
    assert len(visitor.answers) > 100
    statuses = {answer[:3] for answer in visitor.answers.values()}
    assert {"200", "202", "401", "403", "404", "422"} <= statuses
    assert not {status for status in statuses if status.startswith("5")}


def test_no_answer_holds_a_secret(visitor: Visitor):
    assert not {name: found_in(text) for name, text in visitor.answers.items() if found_in(text)}


def test_no_log_line_holds_a_secret_and_each_is_json(visitor: Visitor):
    lines = visitor.receiver.log
    assert not found_in("".join(lines))
    assert len(lines) > 100
    began = next(place for place, line in enumerate(lines) if line.startswith("{"))  # the greeting
    assert {type(orjson.loads(line)) for line in lines[began:]} == {dict}


@pytest.mark.usefixtures("visitor")
def test_no_process_shows_a_secret_in_its_arguments():
    arguments = [
        " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])
    ]
    assert any("serve" in line for line in arguments)
    assert not found_in("\n".join(arguments))


def columns(url: str) -> Iterator[tuple[str, str]]:
    """Yield each column of each table, and all its values as one text."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        for table, column, kind in names:
            if table.startswith("bodies_"):  # a part of bodies, under its name
                continue
            text = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
            query = f"SELECT coalesce(string_agg({text}, E'\\n'), '') FROM {table}"
            row = connection.execute(query.encode()).fetchone()
            assert row
            yield f"{table}.{column}", row[0]


def test_no_column_but_the_senders_own_words_holds_a_secret(visitor: Visitor):
    held = {
        name: found
        for name, text in columns(visitor.receiver.environment["DATABASE_URL"])
        if (found := found_in(text))
    }
    assert set(held) <= WORDS, {name: held[name] for name in set(held) - WORDS}
    own = {where for name in WORDS - {"bodies.body"} for where in held.get(name, ())}
    assert not {where for where in own if re.search(r"secret of|token|query|cookie|header", where)}


def test_no_command_prints_a_secret(visitor: Visitor):
    for line in (
        "builds",
        "build canary-1",
        "build canary-1 --json",
        "failures --status all",
        "failures --status all --json",
        "deliveries --json",
        "sender list",
        "token list --json",
        "routes suggest",
        "doctor",
    ):
        done = visitor.receiver.run(*line.split())
        assert not found_in(done.stdout + done.stderr), line


def test_an_administrator_sees_the_words_of_a_sender(visitor: Visitor):
    answer = visitor.ask("GET", "/api/v1/builds/canary-1", visitor.admin)
    expected = {"text", "text with =", "detail", "nested detail", "manifest", "URL of a run"}
    assert expected <= found_in(answer)
    page = visitor.ask("GET", "/builds/canary-1", visitor.admin)
    assert expected - {"URL of a run"} <= found_in(page)


def test_bodies_are_for_administrators(visitor: Visitor):
    with psycopg.connect(visitor.receiver.environment["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT id FROM deliveries WHERE source = 'jenkins'").fetchone()
    assert row
    path = f"/deliveries/{row[0]}/body"
    assert visitor.ask("GET", path).startswith("403")
    assert plant("log of jenkins") in visitor.ask("GET", path, visitor.admin)
