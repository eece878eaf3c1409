"""A check names a build and makes none: it claims no job, no number and no project."""

import orjson
from flask.testing import FlaskClient

from tests.storage.test_lineage import check
from tests.support.forges import post_github, workflow_job
from tests.support.senders import envelope, get_build, post, stage


def test_the_job_of_a_scan_is_none_of_the_build(forge: FlaskClient):
    post(forge, envelope(stage("Base"), number="base", run="run-1"))
    job = workflow_job("completed", "failure")
    key = f"github:{job['repository']['full_name']}:{job['workflow_job']['run_id']}"
    key += f":{job['workflow_job']['run_attempt']}:{job['workflow_job']['id']}"
    before = get_build(forge, "base")["states"]
    for first in (True, False):
        if first:
            assert post(forge, envelope(check(when=9), number="base", run=key)).status_code == 202
        assert post_github(forge, job).status_code == 202
    assert get_build(forge, "base")["states"] == before
    assert get_build(forge, "base")["status"] == "running"
    assert orjson.dumps(get_build(forge, "base")["failures"]) == b"[]"
