"""A receiver of a standby shows what the primary's shows, changes nothing, and follows roles."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import orjson
import pytest
import requests
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from receiver.app import conninfo
from receiver.cli.main import main
from receiver.config import Config
from receiver.ingest.rules import Rules
from receiver.server import housekeeping
from receiver.server.notifier import Notifier
from receiver.storage.db import open_database
from tests.support.deliveries import SECRETS
from tests.support.nginx import nginx
from tests.support.replication import Pair, replicated
from tests.support.senders import (
    BEARER,
    COMBINATION,
    OTHER_SECRET,
    SECRET,
    envelope,
    manifest,
    post,
    proof,
    stage,
    verdict,
)
from tests.support.waiting import wait_until
from tests.torture.machine import Receiver

NUMBERS = count(1)
UNKNOWN = "00000000-0000-7000-8000-000000000000"
THERE = {"build_number": "core-1", **COMBINATION}
READ_ONLY = "This receiver reads a standby of the database, which takes no changes."
Make = Callable[[str], FlaskClient]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        pair.must_confirm("remote_apply")
        yield pair


@pytest.fixture
def receiver(
    serve: Callable[[Config], FlaskClient], pair: Pair, tmp_path: Path
) -> Callable[[str], FlaskClient]:
    """Make a receiver whose URL has these session attributes."""
    return lambda attributes: serve(settings(pair, tmp_path, attributes))


def settings(pair: Pair, folder: Path, attributes: str) -> Config:
    url = pair.url(attributes, load_balance_hosts="random")
    secrets = {"milepost": (SECRET, BEARER)}
    return Config(data_dir=folder, database_url=url, public_read=True, secrets=secrets)


def token(pair: Pair) -> str:
    arguments = ["token", "create", "--name", f"t-{next(NUMBERS)}", "--scope", "admin"]
    done = CliRunner().invoke(main, arguments, env={"DATABASE_URL": pair.primary.url()})
    return done.stdout.strip()


def paths(app: Flask) -> list[str]:
    """Return a path of each GET route; of what a route names only one build and image are there."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    built = [
        rule.build({name: THERE.get(name, UNKNOWN) for name in rule.arguments}) for rule in rules
    ]
    return sorted(path for _, path in filter(None, built))


def test_it_shows_every_page_and_every_answer_of_the_api(pair: Pair, receiver: Make):
    writer, reader = receiver("read-write"), receiver("prefer-standby")
    image = {"builder_type": "amazon-ebs", "artifact_id": "us-east-1:ami-1"}
    done = envelope(
        stage("Base"), verdict("completed"), build=COMBINATION, manifest=manifest(image)
    )
    assert post(writer, done).status_code in (200, 202)
    head = {"Authorization": f"Bearer {token(pair)}"}
    shown = paths(reader.application)
    assert len(shown) > 70
    for path in shown:
        with writer.get(path, headers=head) as one, reader.get(path, headers=head) as other:
            assert one.status_code < 500, path
            assert other.status_code == one.status_code, path
    assert reader.get("/readyz").get_json()["deliveries"] == "the database is a standby"
    assert writer.get("/readyz").get_json()["deliveries"] == "ok"


def test_it_signs_in_and_refuses_every_change_as_read_only(pair: Pair, receiver: Make):
    reader = receiver("prefer-standby")
    answer = post(reader, envelope(stage("Base"), number="refused"))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "read-only")
    assert answer.get_json()["detail"] == READ_ONLY
    assert answer.headers["Retry-After"]
    reader.get("/sign-in")
    csrf = reader.get_cookie("milepost_csrf")
    assert csrf
    form = {"csrf": csrf.decoded_value, "token": token(pair)}
    assert reader.post("/sign-in", data=form).status_code == 303
    assert b"Sign out" in reader.get("/").data
    change = {"csrf": csrf.decoded_value, "build_number": "refused", "reason": "x"}
    page = reader.post("/builds/core-1/revoke", data=change, headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert READ_ONLY in page.text


def test_it_refuses_no_sender_that_the_primary_may_have(pair: Pair, receiver: Make, tmp_path: Path):
    (tmp_path / "key").write_bytes(bytes(range(40)))
    env = {"DATABASE_URL": pair.primary.url(), "MILEPOST_KEY_FILE": str(tmp_path / "key")}
    words = ["sender", "add", "team-a", "--source", "packer"]
    assert CliRunner().invoke(main, words, env=env).exit_code == 0
    reader = receiver("prefer-standby")
    for name in ("team-a", "not-there-yet"):  # with an old secret, or before the standby has it
        body, path = orjson.dumps(manifest({})), f"/webhooks/packer/{name}"
        headers = proof("packer", "bearer:of-yesterday", body)
        answer = reader.post(path, data=body, headers=headers, content_type="application/json")
        assert (answer.status_code, answer.get_json()["code"]) == (503, "read-only"), name
    assert post(reader, envelope(stage("Base")), secret=OTHER_SECRET).status_code == 401


def test_a_command_that_changes_a_standby_names_the_way_to_the_primary(pair: Pair, tmp_path: Path):
    (tmp_path / "key").write_bytes(bytes(range(40)))
    env = {"DATABASE_URL": pair.standby.url(), "MILEPOST_KEY_FILE": str(tmp_path / "key")}
    done = CliRunner().invoke(main, ["sender", "add", "of-standby"], env=env)
    assert (done.exit_code, done.stdout) == (69, "")
    assert "target_session_attrs=read-write" in done.stderr


def test_it_leaves_housekeeping_and_notices_to_others(
    pair: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    config = settings(pair, tmp_path, "prefer-standby")
    assert housekeeping.refold(config) == housekeeping.prune(config) == 0
    housekeeping.make_weeks(config)
    with open_database(conninfo(config)) as database:
        Notifier(config, Rules.load(config), database).tick()
    assert "read-only" not in capsys.readouterr().out


def test_200_builds_are_read_right_after_their_deliveries(receiver: Make):
    writer, reader = receiver("read-write"), receiver("prefer-standby")
    stale = []
    for _ in range(200):
        number = f"read-{next(NUMBERS)}"
        assert post(writer, envelope(stage("Base"), number=number, run=number)).status_code == 202
        if reader.get(f"/api/v1/builds/{number}").status_code != 200:
            stale.append(number)
    assert not stale


def test_nginx_sends_reads_to_readers_and_changes_and_their_authors_to_writers(
    pair: Pair, tmp_path: Path
):
    head = {"Authorization": f"Bearer {token(pair)}"}
    writer = Receiver(tmp_path / "writer", pair.url(), MILEPOST_TRUSTED_PROXIES="127.0.0.1")
    reader = Receiver(tmp_path / "reader", pair.url("prefer-standby"))
    places = [each.url.removeprefix("http://") for each in (writer, reader)]
    body = orjson.dumps(envelope(stage("Base"), number="through"))
    signed = proof("milepost", SECRETS["milepost"], body) | {"Content-Type": "application/json"}
    try:
        writer.start()
        reader.start()
        folder = tmp_path / "nginx"
        folder.mkdir()
        with nginx(folder, places[0], readers=[places[1]]) as url, requests.Session() as browser:

            def asked() -> str:
                return str(browser.get(f"{url}/readyz", timeout=30).json()["deliveries"])

            assert asked() == "the database is a standby"
            assert browser.post(f"{url}/webhooks/milepost", body, headers=signed).status_code == 202
            assert browser.get(f"{url}/api/v1/builds/through", timeout=30).status_code == 200
            assert asked() == "the database is a standby"
            made = browser.post(f"{url}/api/v1/builds", json={"build_number": "m"}, headers=head)
            assert made.status_code == 201
            (cookie,) = [each for each in browser.cookies if each.name == "milepost_wrote"]
            assert (cookie.expires or 0) - made.elapsed.total_seconds() > 0
            assert cookie.has_nonstandard_attr("HttpOnly")
            assert asked() == "ok"
            browser.cookies.clear()
            assert asked() == "the database is a standby"
            reader.stop()
            assert asked() == "ok"
            reader.start()
            writer.stop()
            wait_until(lambda: asked() == "the database is a standby")
            refused = browser.post(f"{url}/webhooks/milepost", body, headers=signed)
            assert (refused.status_code, refused.json()["code"]) == (503, "read-only")
    finally:
        writer.stop()
        reader.stop()


def test_it_follows_the_roles(serve: Callable[[Config], FlaskClient], tmp_path: Path):
    with replicated() as pair:
        pair.must_confirm()
        writer = serve(settings(pair, tmp_path, "read-write"))
        reader = serve(settings(pair, tmp_path, "prefer-standby"))
        assert post(writer, envelope(stage("Base"), number="before")).status_code == 202
        pair.catch_up()
        assert reader.get("/api/v1/builds/before").status_code == 200
        pair.fail_over()
        assert reader.get("/api/v1/builds/before").status_code == 200
        wait_until(lambda: post(writer, envelope(stage("Base"), number="after")).status_code < 300)
        assert reader.get("/api/v1/builds/after").status_code == 200
        assert reader.get("/readyz").get_json()["deliveries"] == "ok"
