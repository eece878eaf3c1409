"""Webhooks of several forges together: any order of them gives the same builds."""

import random
from collections.abc import Callable

import psycopg
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.forges import (
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
    assert len(results[0]["builds"]) == 5
    assert results == [results[0]] * 10


def day() -> list[tuple[Callable[[FlaskClient, Json], TestResponse], Json]]:
    """Queued, moved and ended jobs of GitHub, GitLab and Jenkins; two with a hook inside."""
    jobs = [
        workflow_job(status, id=number, name=f"build ({name})")
        for number, name in ((84211, "rhel-9, hana, aws"), (84212, "sles-15, base, azure"))
        for status in ("queued", "in_progress", "completed")
    ]
    rerun = workflow_job("completed", "success", id=84213, run_attempt=2, started_at=at(60))
    other = {"builds__1__id": 4250, "builds__1__name": "image: [sles-15, gcp]"}
    gitlab = [sample("gitlab", f"job.{status}") for status in ("created", "running", "failed")]
    gitlab += [sample("gitlab", "pipeline.failed", **changes) for changes in ({}, other)]
    phases = (("QUEUED", None), ("STARTED", None), ("COMPLETED", "FAILURE"))
    hooks = [
        envelope(stage("Storage"), number="mine", run="github:acme/images:500:1:84211"),
        envelope(stage("Harden OS"), number="theirs", run="gitlab:gitlab.example.com:4242"),
    ]
    return [
        *((post_github, each) for each in [*jobs, rerun]),
        *((post_gitlab, each) for each in gitlab),
        *((post_jenkins, notification(phase, status)) for phase, status in phases),
        *((post, each) for each in hooks),
    ]
