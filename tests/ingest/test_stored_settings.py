"""Settings in the database: every receiver reads again what has another version."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Semaphore
from time import sleep

import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.errors import Unavailable
from receiver.ingest import stored_settings
from receiver.ingest.rules import Rules
from receiver.storage import db, settings
from receiver.storage.db import Database
from tests.support.senders import envelope, get_build, post, stage

MAP = '["*"]\nnames = {{ Frobnicate = {state} }}\n'
AWAY = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"


def write(url: str, kind: str, text: str) -> int:
    with db.connect(url) as connection:
        return settings.write_document(connection, kind, text, "ada")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with db.open_database(url) as opened:
        yield opened


@pytest.fixture
def rules(database: Database, tmp_path: Path) -> Rules:
    """Rules without any file, bound to the database and read."""
    made = Rules.load(Config(data_dir=tmp_path))
    made.bind(database)
    made.renew()
    return made


def test_documents_are_numbered_and_none_is_changed(url: str):
    assert [write(url, "stages", MAP.format(state=state)) for state in (20, 45)] == [1, 2]
    with db.connect(url) as connection:
        assert settings.versions(connection) == {"stages": 2}
        newest = settings.read_document(connection, "stages")
        before = settings.read_document(connection, "stages", before=2)
        listed = settings.list_documents(connection, "stages")
    assert newest
    assert before
    assert (newest["document"], before["document"]) == (MAP.format(state=45), MAP.format(state=20))
    assert [row["version"] for row in listed] == [2, 1]


def test_a_kind_is_written_by_one_at_a_time(url: str):
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda place: write(url, "routes", f"# {place}\n"), range(8))
    assert sorted(made) == list(range(1, 9))


def test_a_new_document_counts_at_the_next_question(
    rules: Rules, url: str, monkeypatch: pytest.MonkeyPatch
):
    assert rules.projects().of(("core",)).owner is None
    write(url, "projects", '[project."core"]\nowner = "ada"\n')
    rules.renew()  # within the same second: nobody asks
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 0.0)
    rules.renew()
    assert rules.projects().of(("core",)).owner == "ada"


def test_a_kind_with_the_same_version_is_not_read_again(rules: Rules, url: str):
    before = rules.stages(), rules.routes()
    write(url, "stages", MAP.format(state=45))
    rules.stored.renew_now()
    assert rules.stages() is not before[0]
    assert rules.routes() is before[1]


def test_refusals_that_wait_for_a_question_share_the_next_one(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
):
    asked, begun, go_on = list[int](), Event(), Event()
    called = Semaphore(0)

    def versions(_connection: object) -> dict[str, int]:
        asked.append(1)
        begun.set()
        assert go_on.wait(30)
        return {}

    def renew() -> None:
        called.release()
        rules.stored.renew_now()

    monkeypatch.setattr(settings, "versions", versions)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(renew)
        assert begun.wait(30)
        others = [pool.submit(renew) for _ in range(8)]
        for _ in range(9):
            called.acquire()
        go_on.set()
        for each in (first, *others):
            each.result()
    # The first question began before the others called; one more is for all of them, save for one
    # that called while it ran.
    assert 2 <= len(asked) < 9


def test_a_file_is_the_whole_truth_of_its_kind(database: Database, url: str, tmp_path: Path):
    path = tmp_path / "projects.toml"
    path.write_text('[project."core"]\nowner = "grace"\n')
    write(url, "projects", '[project."core"]\nowner = "ada"\n')
    rules = Rules.load(Config(data_dir=tmp_path, projects=path))
    rules.bind(database)
    rules.renew()
    assert rules.projects().of(("core",)).owner == "grace"


def test_a_document_that_this_release_does_not_understand_leaves_the_one_before(
    rules: Rules, url: str, database: Database, tmp_path: Path
):
    write(url, "projects", '[project."core"]\nowner = "ada"\n')
    write(url, "projects", '[project."core"]\nowned_by_a_later_release = 1\n')
    fresh = Rules.load(Config(data_dir=tmp_path))
    fresh.bind(database)
    for each in (rules, fresh):
        each.stored.renew_now()
        assert each.projects().of(("core",)).owner == "ada"
        (problem,) = each.problems()["projects"]
        assert "projects, version 2" in problem
    write(url, "projects", '[project."core"]\nowner = "grace"\n')
    rules.stored.renew_now()
    assert rules.problems() == {}


def test_the_last_reading_counts_while_the_database_is_away(
    rules: Rules, url: str, monkeypatch: pytest.MonkeyPatch
):
    write(url, "projects", '[project."core"]\nowner = "ada"\n')
    rules.stored.renew_now()
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 0.0)
    with db.open_database(AWAY) as away:
        rules.bind(away)
        rules.renew()
        with pytest.raises(Unavailable):
            rules.stored.renew_now()
    assert rules.projects().of(("core",)).owner == "ada"


def test_a_question_waits_for_a_connection_for_a_moment_alone(
    database: Database, rules: Rules, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stored_settings, "ASK_SECONDS", 0.0)
    order: list[str] = []

    def connect() -> None:
        with suppress(Unavailable), database.transaction():
            order.append("a request is connected")

    with ThreadPoolExecutor(1) as pool, database.transaction():
        pool.submit(connect)
        while not database.stats()["requests_waiting"]:
            sleep(0.01)
        rules.renew()
        order.append("the question has ended")
    assert order == ["the question has ended", "a request is connected"]


def test_what_was_never_read_is_not_taken_for_empty(tmp_path: Path):
    rules = Rules.load(Config(data_dir=tmp_path))
    with db.open_database(AWAY) as away:
        rules.bind(away)
        rules.renew()
    with pytest.raises(Unavailable):
        rules.stages()


def test_a_receiver_folds_with_the_map_in_the_database(
    serve: Callable[[Config], FlaskClient], config: Config, url: str
):
    write(url, "stages", MAP.format(state=45))
    client = serve(replace(config))
    assert post(client, envelope(stage("Frobnicate"))).status_code == 202
    assert get_build(client)["current_state"] == 45
