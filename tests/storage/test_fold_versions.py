"""Receivers of two fold versions on one database: the newer one's word stands, in any order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import permutations, product
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace

from receiver.config import Config
from receiver.domain.fold import fold
from receiver.domain.fold.progress import Attempt
from receiver.domain.fold.projection import BuildRows
from receiver.server import housekeeping
from receiver.storage import outdated, projections
from tests.support.api import Api
from tests.support.senders import Json, envelope, get_build, manifest, post, stage, verdict
from tests.support.table_rows import rows

OLD, NEW = fold.FOLD_VERSION, fold.FOLD_VERSION + 1
DELIVERIES = (
    envelope(stage("Storage", "started", 1), run="run-1"),
    envelope(verdict("failed", 5), run="run-1"),
    envelope(stage("Storage", "started", 9), verdict("completed", 12), run="run-2"),
)
CHANGES = {"older": "another rule of the older release"}
Release = Callable[[int], Any]


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    """Be a receiver of a fold version for a while; the older one's fold has another rule."""
    todays = fold.fold_attempts

    def older(*arguments: Any) -> tuple[BuildRows, list[Attempt]]:
        folded, attempts = todays(*arguments)
        states = [replace(row, stage=CHANGES["older"]) for row in folded.states]
        return (replace(folded, states=states) if states else folded), attempts

    @contextmanager
    def of(version: int) -> Iterator[None]:
        with monkeypatch.context() as patched:
            for module in (projections, outdated):
                patched.setattr(module, "FOLD_VERSION", version)
            patched.setattr(fold, "fold_attempts", older if version == OLD else todays)
            yield

    return of


def stages_of(client: FlaskClient, number: str = "core-1") -> set[str]:
    return {row["stage"] for row in get_build(client, number)["states"]}


def emptied(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM builds; DELETE FROM deliveries; DELETE FROM run_keys")


def test_every_order_over_receivers_of_two_versions_ends_as_the_newer_one_folds(
    client: FlaskClient, config: Config, url: str, release: Release
):
    seen = []
    for order in permutations(DELIVERIES):
        for versions in product((OLD, NEW), repeat=len(order)):
            emptied(url)
            for document, version in zip(order, versions, strict=True):
                with release(version):
                    assert post(client, document).status_code == 202
            with release(NEW):
                housekeeping.refold(config)
            seen.append(rows(url))
    assert len(seen) == 48
    assert all(each == seen[0] for each in seen)
    assert stages_of(client) == {"Storage"}


@pytest.mark.parametrize("older_refolds", [True, False])
def test_what_came_through_an_older_receiver_waits_for_the_newer_refold(
    client: FlaskClient, config: Config, release: Release, older_refolds: bool
):
    with release(NEW):
        post(client, DELIVERIES[0])
    with release(OLD):
        post(client, DELIVERIES[1])
        if older_refolds:
            assert housekeeping.refold(config) == 0
    assert (get_build(client)["status"], stages_of(client)) == ("running", {"Storage"})
    with release(NEW):
        assert [housekeeping.refold(config) for _ in range(2)] == [1, 0]
    assert (get_build(client)["status"], stages_of(client)) == ("failed", {"Storage"})


def of_image(number: str, os_version: str) -> Json:
    return envelope(
        stage("Storage", "started", 1),
        verdict("completed", 5),
        number=number,
        run=number,
        build={"project": "core", "os_version": os_version},
        manifest=manifest({"artifact_id": f"ami-{number}"}),
    )


def merge_and_undo(api: Api) -> None:
    names = {"dimension": "os_version", "name": "rhel9"}
    assert api.send("POST", "/merges", scope="admin", json=names | {"into": "rhel-9"}).is_json
    assert api.send("POST", "/merges/undo", scope="admin", json=names).status_code == 200


def test_merge_and_its_undo_fold_no_build_of_a_newer_version(
    client: FlaskClient, config: Config, api: Api, release: Release
):
    for version, number in ((OLD, "older"), (NEW, "newer")):
        with release(version):
            for name, os_version in ((number, "rhel9"), (f"{number}-2", "rhel-9")):
                assert post(client, of_image(name, os_version)).status_code == 202
    with release(OLD):
        merge_and_undo(api)
    assert stages_of(client, "newer") == {"Storage"}
    assert stages_of(client, "older") == {CHANGES["older"]}
    assert get_build(client, "older")["os_version"] == "rhel9"
    with release(NEW):
        housekeeping.refold(config)
    for number in ("older", "newer"):
        assert (get_build(client, number)["os_version"], stages_of(client, number)) == (
            "rhel9",
            {"Storage"},
        )


def test_a_build_without_events_stays_of_its_newer_version(
    client: FlaskClient, api: Api, url: str, release: Release
):
    with release(NEW):
        post(client, of_image("b-1", "rhel9"))
        post(client, of_image("b-2", "rhel-9"))
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM events")
    with release(OLD):
        merge_and_undo(api)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT DISTINCT fold_version FROM builds").fetchall() == [(NEW,)]
