"""A job of a victim's project, and the ways in which another project's sender may touch it."""

from collections.abc import Callable, Iterator
from itertools import count, product
from typing import Any, NamedTuple

import orjson
import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.app import create_app
from receiver.config import Config
from tests.support import forges
from tests.support.samples import Json, changed, sample
from tests.support.senders import (
    PACKER_BEARER,
    SECRET,
    at,
    envelope,
    manifest,
    proof,
    stage,
    verdict,
)

FORGES = ("github", "gitlab", "jenkins", "cloudevents")
SOURCES = ("milepost", "packer", *FORGES)
PROJECTS = (None, "core", "data", "kern")  # kern is an old name of core
SENDERS = {"": (), "core": ("kern",), "data": ("data",), "both": ("core", "data")}
NUMBERS = count(1)
ROUTES = "[[route]]\njob = 'of-(?P<project>[a-z]+)'\n"
SECRETS = {"milepost": SECRET, "packer": PACKER_BEARER, **forges.SECRETS}


class Victim(NamedTuple):
    """A job of a forge and its build."""

    source: str
    project: str | None
    id: int

    @property
    def number(self) -> str:
        return f"victim-{self.id}"

    @property
    def key(self) -> str:
        return {
            "github": f"github:acme/images:{self.id}:1:{self.id}",
            "gitlab": f"gitlab:gitlab.example.com:{self.id}",
            "jenkins": f"jenkins:https://jenkins.example.com/job/{self.job}/{self.id}/",
            "cloudevents": f"cloudevents:/tekton:run-{self.id}",
        }[self.source]

    @property
    def job(self) -> str:
        return f"of-{self.project}" if self.project else "plain"


def may_write(sender: str, project: str | None) -> bool:
    """Return what the rules say: the oracle of this table."""
    if not sender:
        return True
    return ("core" if project == "kern" else project) in {"core": ["core"]}.get(
        sender, SENDERS[sender]
    )


@pytest.fixture(scope="module")
def receiver(module_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("senders")
    (folder / "routes.toml").write_text(ROUTES)
    tables = []
    for name, source in product(filter(None, SENDERS), SOURCES):
        (folder / f"{name}-{source}.secret").write_text(secret_of(name, source))
        tables.append(
            f'[[sender]]\nname = "{name}"\nsource = "{source}"\n'
            f'secret_file = "{name}-{source}.secret"\nprojects = {list(SENDERS[name])}\n'
        )
    (folder / "senders.toml").write_text("\n".join(tables))
    config = Config(
        data_dir=folder,
        database_url=module_url,
        public_read=True,
        secrets={source: (secret,) for source, secret in SECRETS.items()},
        routes=folder / "routes.toml",
    )
    with psycopg.connect(module_url) as connection:
        connection.execute("INSERT INTO projects (name) VALUES ('core'), ('data')")
        connection.execute(
            "INSERT INTO name_aliases (dimension, name, target_id)"
            " SELECT 'project', 'kern', id FROM projects WHERE name = 'core'"
        )
    app = create_app(config)
    yield app.test_client()
    app.extensions["milepost"].database.close()


def secret_of(name: str, source: str) -> str:
    return {
        "milepost": f"bearer:{name}-milepost-a-token",
        "packer": f"bearer:{name}-packer-a-token",
        "jenkins": f"{name}:a password of {name}",
        "cloudevents": f"bearer:{name}-cloudevents-a-token",
    }.get(source, f"a secret of {name} at {source}")


def deliver(
    client: FlaskClient, source: str, sender: str, document: Json, query: str = ""
) -> TestResponse:
    body = orjson.dumps(document)
    secret = secret_of(sender, source) if sender else SECRETS[source]
    event = {
        "github": {"X-GitHub-Event": "workflow_job"},
        "gitlab": {"X-Gitlab-Event": "Job Hook"},
        "cloudevents": {"Content-Type": "application/cloudevents+json"},
    }.get(source, {})
    headers = {"Content-Type": "application/json"} | proof(source, secret, body) | event
    path = f"/webhooks/{source}" + (f"/{sender}" if sender else "")
    return client.post(f"{path}?{query}", data=body, headers=headers)


def told_by_forge(victim: Victim, failed: bool) -> Json:
    """Return what the forge says of the victim's job."""
    end = {False: "success", True: "failure"}[failed]
    cases: dict[str, tuple[str, Json]] = {
        "github": (
            "workflow_job.completed",
            {
                "workflow_job.run_id": victim.id,
                "workflow_job.id": victim.id,
                "workflow_job.run_attempt": 1,
                "workflow_job.name": victim.job,
                "workflow_job.conclusion": end,
                "workflow_job.steps": [],
            },
        ),
        "gitlab": (
            "job.failed",
            {
                "build_id": victim.id,
                "build_name": victim.job,
                "build_status": {"success": "success", "failure": "failed"}[end],
            },
        ),
        "jenkins": (
            "notification.completed",
            {
                "build.number": victim.id,
                "build.full_url": victim.key.removeprefix("jenkins:"),
                "build.status": end.upper(),
            },
        ),
        "cloudevents": (
            "pipelinerun.finished",
            {
                "id": f"event-{victim.id}-{end}",
                "data.subject.id": f"run-{victim.id}",
                "data.subject.content.pipelineName": victim.job,
                "data.subject.content.outcome": end,
            },
        ),
    }
    case, changes = cases[victim.source]
    document: Json = changed(sample(victim.source, case), changes)
    return document


def report(client: FlaskClient, victim: Victim) -> None:
    """Let the victim's hook and its forge report, both as senders of all projects."""
    build = {"project": victim.project} if victim.project else {}
    said = envelope(
        stage("Storage", "started", 1),
        verdict("completed", 8),
        number=victim.number,
        run=victim.key,
        build=build,
    )
    for source, document in (
        ("milepost", said),
        (victim.source, told_by_forge(victim, failed=False)),
    ):
        answer = deliver(client, source, "", document)
        assert (answer.status_code, answer.get_json()["outcome"]) == (202, "stored"), answer.text


def view(client: FlaskClient, number: str) -> Any:
    """Return what everybody sees of a build, without what names it."""
    build = client.get(f"/api/v1/builds/{number}", follow_redirects=True).get_json()
    if "build_number" not in build:
        return None
    states = sorted((row["stage"], row["status"], row["attempt"]) for row in build["states"])
    made = [row["artifact_id"] for row in build["artifacts"]]
    failures = [row["error_message"] for row in build["failures"]]
    return build["status"], build["project"], build["attempt"], states, made, len(failures)


Way = Callable[[FlaskClient, str, Victim, str], TestResponse]


def as_hook(client: FlaskClient, sender: str, number: str, run: str, **more: Any) -> TestResponse:
    artifact = {"kind": "artifact", "at": at(0.5), "artifact": {"artifact_id": "ami-intruder"}}
    if sender == "both" and number.startswith("own"):  # it has to say which
        more["build"] = {"project": "core"}
    document = envelope(artifact, verdict("failed", 9), number=number, run=run, **more)
    return deliver(client, "milepost", sender, document)


def by_number(client: FlaskClient, sender: str, victim: Victim, _own: str) -> TestResponse:
    return as_hook(client, sender, victim.number, "another-run")


def by_key(client: FlaskClient, sender: str, victim: Victim, own: str) -> TestResponse:
    return as_hook(client, sender, own, victim.key)


def by_runner(client: FlaskClient, sender: str, victim: Victim, own: str) -> TestResponse:
    runner = sample("github", "workflow_job.completed")["workflow_job"]["runner_name"]
    key = f"github:acme/images:{victim.id}:1:{runner}"
    return as_hook(client, sender, own, key if victim.source == "github" else victim.key)


def by_pipeline(client: FlaskClient, sender: str, victim: Victim, own: str) -> TestResponse:
    more = {"pipeline": f"acme/images:{victim.id}"}
    return as_hook(client, sender, own, f"{own}-run", run_more=more)


def by_manifest_of_number(
    client: FlaskClient, sender: str, victim: Victim, own: str
) -> TestResponse:
    document = manifest({"artifact_id": "ami-intruder"}, run_uuid=own)
    return deliver(client, "packer", sender, document, f"build_number={victim.number}")


def by_last_run_uuid(client: FlaskClient, sender: str, victim: Victim, own: str) -> TestResponse:
    document = manifest({"artifact_id": "ami-intruder"}, run_uuid=victim.key)
    return deliver(
        client,
        "packer",
        sender,
        document,
        f"build_number={own}&project={(sender == 'both' and 'core') or ''}",
    )


def by_forge(client: FlaskClient, sender: str, victim: Victim, _own: str) -> TestResponse:
    return deliver(client, victim.source, sender, told_by_forge(victim, failed=True))


def by_heartbeat(client: FlaskClient, sender: str, victim: Victim, _own: str) -> TestResponse:
    beat = {"kind": "heartbeat", "at": at(1)}
    return deliver(client, "milepost", sender, envelope(beat, number=victim.number))


CLAIMS: dict[str, Way] = {
    "key": by_key,
    "runner": by_runner,
    "pipeline": by_pipeline,
    "last_run_uuid": by_last_run_uuid,
    "forge": by_forge,
}
NAMED: dict[str, Way] = {
    "number": by_number,
    "manifest": by_manifest_of_number,
    "heartbeat": by_heartbeat,
}
CELLS = list(product(SENDERS, PROJECTS, FORGES))
