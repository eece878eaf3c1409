"""Webhooks of several forges together: any order of them gives the same builds."""

import random
from collections.abc import Callable

import psycopg
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.forges import (
    BEGAN,
    SENT,
    notification,
    post_github,
    post_gitlab,
    post_jenkins,
    workflow_job,
)
from tests.support.samples import sample
from tests.support.senders import Json, at, envelope, post, stage
from tests.support.table_rows import rows


def test_a_day_of_three_forges_is_the_same_in_any_order(forge: FlaskClient, url: str):
    """Shuffled and doubled in ten ways, with hooks in some of the jobs."""
    crowd, results = random.Random(7), []
    for _ in range(10):
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE builds, deliveries CASCADE")
        shuffled = day() * 2
        crowd.shuffle(shuffled)
        for send, document in shuffled:
            assert send(forge, document).status_code in (200, 202)
        results.append(rows(url))
    with psycopg.connect(url) as connection:
        counts = connection.execute("SELECT status, count(*) FROM builds GROUP BY 1").fetchall()
    assert dict(counts) == {"cancelled": 4, "completed": 2, "failed": 3}
    assert results == [results[0]] * 10


def day() -> list[tuple[Callable[[FlaskClient, Json], TestResponse], Json]]:
    """Queued, moved and ended jobs of GitHub, GitLab and Jenkins; two with a hook inside.

    Failed jobs ran again, others were carried over, skipped, or never started; a job of Jenkins was
    made again.
    """
    jobs = [
        workflow_job(status, id=number, name=f"build ({name})")
        for number, name in ((84211, "rhel-9, hana, aws"), (84212, "sles-15, base, azure"))
        for status in ("queued", "in_progress", "completed")
    ]
    rerun = workflow_job("completed", "success", id=84213, run_attempt=2, started_at=at(60))
    other = {"builds__1__id": 4250, "builds__1__name": "image: [sles-15, gcp]"}
    gitlab = [sample("gitlab", f"job.{status}") for status in ("created", "running", "failed")]
    gitlab += [sample("gitlab", "pipeline.failed", **changes) for changes in ({}, other)]
    phases = (
        ("QUEUED", None),
        ("STARTED", None),
        ("COMPLETED", "FAILURE"),
        ("FINALIZED", "FAILURE"),
    )
    later = [
        notification(phase, status, timestamp=BEGAN + 86_400_000 + SENT[phase])
        for phase, status in (("STARTED", None), ("COMPLETED", "SUCCESS"))
    ]
    hooks = [
        envelope(stage("Storage"), number="mine", run="github:acme/images:500:1:84211"),
        envelope(stage("Harden OS"), number="theirs", run="gitlab:gitlab.example.com:4242"),
    ]
    return [
        *((post_github, each) for each in [*jobs, rerun, *carried_over(), *never_ran_on_github()]),
        *((post_gitlab, each) for each in [*gitlab, *never_ran_on_gitlab()]),
        *((post_jenkins, notification(phase, status)) for phase, status in phases),
        *((post_jenkins, each) for each in later),
        *((post, each) for each in hooks),
    ]


def carried_over() -> list[Json]:
    """Return the job that did not run again, as a job of each further attempt."""
    job = {"name": "build (sles-15, base, azure)", "created_at": at(60)}
    return [
        workflow_job("completed", id=84300 + attempt, run_attempt=attempt, **job)
        for attempt in (2, 3)
    ]


def never_ran_on_github() -> list[Json]:
    """Return a job that waited and was skipped, and one that was cancelled in the queue."""
    skipped: Json = {"id": 84401, "name": "build (alma-9, base, aws)"}
    queued: Json = {"id": 84402, "name": "build (alma-9, hana, aws)"}
    silent: Json = {"steps": [], "runner_id": 0, "runner_name": "", "runner_group_id": 0}
    return [
        workflow_job("queued", **skipped),
        workflow_job("completed", "skipped", **skipped, **silent),
        workflow_job("queued", **queued),
        workflow_job("completed", "cancelled", **queued, **silent),
    ]


def never_ran_on_gitlab() -> list[Json]:
    """Return a job that was skipped, and a manual one that nobody started."""
    skipped = {"build_id": 4301, "build_name": "image: [alma-9, aws]"}
    manual = {"build_id": 4302, "build_name": "image: [alma-9, gcp]"}
    over = {"id": 900, "status": "failed"}
    return [
        sample("gitlab", "job.created", **skipped),
        sample("gitlab", "job.created", **skipped, build_status="skipped"),
        sample("gitlab", "job.created", **manual, build_status="manual"),
        sample("gitlab", "job.created", **manual, build_status="manual", commit=over),
    ]
