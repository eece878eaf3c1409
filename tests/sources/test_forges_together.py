"""Webhooks of several forges together: any order of them gives the same builds."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.config import Config
from tests.support import github_sender
from tests.support.forge_senders import (
    LOGIN,
    ROUTES,
    TOKEN,
    gitlab,
    hook,
    jenkins,
    job_hook,
    notification,
    pipeline_hook,
)
from tests.support.senders import BEARER, Json, at, envelope, stage
from tests.support.table_rows import rows

Serve = Callable[[Config], FlaskClient]


def test_a_day_of_three_forges_is_the_same_in_any_order(
    serve: Serve, config: Config, tmp_path: Path, url: str
):
    """Shuffled and doubled in ten ways, with hooks in some of the jobs."""
    path = tmp_path / "routes.toml"
    path.write_text(ROUTES + github_sender.ROUTES)
    more = {"github": (github_sender.SECRET,), "gitlab": (TOKEN,), "jenkins": (LOGIN,)}
    client = serve(replace(config, secrets={"milepost": (BEARER,), **more}, routes=path))
    crowd, results = random.Random(7), []
    for _ in range(10):
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE builds, deliveries CASCADE")
        shuffled = day() * 2
        crowd.shuffle(shuffled)
        for send, document in shuffled:
            assert send(client, document).status_code in (200, 202)
        results.append(rows(url))
    assert len(results[0]["builds"]) == 5
    assert results == [results[0]] * 10


def day() -> list[tuple[Callable[[FlaskClient, Json], TestResponse], Json]]:
    """Queued, moved and ended jobs of GitHub, GitLab and Jenkins; two with a hook inside."""

    def github(client: FlaskClient, document: Json) -> TestResponse:
        return github_sender.send(client, "workflow_job", document)

    jobs = [
        github_sender.job(status, conclusion, id=number, name=f"build ({name})", steps=steps)
        for number, name in ((84211, "rhel-9, hana, aws"), (84212, "sles-15, base, azure"))
        for status, conclusion, steps in (
            ("queued", None, []),
            ("in_progress", None, github_sender.STEPS[:2]),
            ("completed", "failure", github_sender.STEPS),
        )
    ]
    rerun = github_sender.job("completed", "success", id=84213, run_attempt=2, started_at=at(60))
    pipelines = [pipeline_hook(), pipeline_hook(id=4250, name="image: [sles-15, gcp]")]
    gitlab_jobs = [job_hook(status) for status in ("created", "running", "failed")]
    phases = (("QUEUED", None), ("STARTED", None), ("COMPLETED", "FAILURE"))
    hooks = [
        envelope(stage("Storage"), number="mine", run="github:acme/images:500:1:84211"),
        envelope(stage("Harden OS"), number="theirs", run="gitlab:gitlab.example.com:4242"),
    ]
    return [
        *((github, each) for each in [*jobs, rerun]),
        *((gitlab, each) for each in gitlab_jobs + pipelines),
        *((jenkins, notification(phase, status)) for phase, status in phases),
        *((hook, each) for each in hooks),
    ]
