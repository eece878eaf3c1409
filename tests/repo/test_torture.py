"""The short form of `make torture`: five faults under load, and whether the judge would see it."""

import subprocess

import psycopg
import pytest

from tests.torture import schemas
from tests.torture.databases import kill_postmaster, lock
from tests.torture.machine import pause
from tests.torture.networks import cut_commits
from tests.torture.processes import kill_workers, terminate
from tests.torture.systems import Fault, System, plain, proxied, run

ACTS = (kill_workers, kill_postmaster, cut_commits, lock, terminate)
DELETE = "DELETE FROM deliveries WHERE id = (SELECT id FROM deliveries LIMIT 1)"
CHANGE = "UPDATE build_states SET state = 99 WHERE id = (SELECT id FROM build_states LIMIT 1)"


def test_five_faults_in_a_row_lose_and_double_nothing_and_every_fold_is_right():
    verdict = run(Fault("short", "five in a row", in_a_row, proxied), brief=True)
    assert (verdict.problems, verdict.not_run) == ((), "")
    assert 0 < verdict.acknowledged == verdict.offered == verdict.stored


def in_a_row(system: System) -> None:
    """In one system, since most of a fault's time goes into making it."""
    for act in ACTS:
        act(system)
        system.heal()
        pause(1)


def test_the_judge_sees_what_is_lost_or_changed():
    verdict = run(Fault("F0", "sabotage", sabotage, plain), brief=True)
    said = " ".join(verdict.problems)
    assert "1 acknowledged deliveries are lost" in said
    assert "build_states: " in said


def sabotage(system: System) -> None:
    """One delivery vanishes, with what it said, and one row is not what its events say."""
    system.load.finish(60)
    with psycopg.connect(system.url) as connection:
        connection.execute(DELETE)
        connection.execute(CHANGE)


@pytest.mark.parametrize(
    "launcher", [schemas.DEFECTIVE, schemas.INTACT], ids=["defective", "intact"]
)
def test_each_receiver_of_a_fault_begins(launcher: list[str]):
    assert (
        subprocess.run([*launcher, "--version"], check=False, capture_output=True).returncode == 0
    )
