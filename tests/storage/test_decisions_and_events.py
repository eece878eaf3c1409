"""What people decided stays, whatever is renamed, merged, replayed, folded again or told late."""

import random
from collections.abc import Callable
from itertools import permutations

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.storage import outdated
from tests.support.api import Api
from tests.support.channels import IMAGE, assign, create, report, served
from tests.support.forges import post_github, workflow_job
from tests.support.senders import envelope, manifest, post, stage, verdict

Command = Callable[..., Result]
NEW = "/images/amazon/rhel-9/web"
OLD = "/images/aws/rhel-9/web"


def run(command: Command, *arguments: str) -> None:
    done = command(*arguments)
    assert done.exit_code == 0, done.output


def test_decisions_survive_every_order_of_changes(client: FlaskClient, api: Api, url: str):
    renamed = {"name": "amazon"}
    earlier = envelope(
        stage("Base", "failed", -30), verdict("failed", -20), number="n-1", run="earlier"
    )
    rerun = envelope(
        verdict("completed", 90),
        number="n-1",
        run="rerun",
        manifest=manifest({"builder_type": "amazon-ebs", "artifact_id": "us-1:ami-9"}),
    )

    def refold() -> None:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE builds SET fold_version = NULL, written = NULL")
        services = client.application.extensions["milepost"]
        assert sum(outdated.refold_all(services.database, services.rules.stages())) == 2

    changes: dict[str, Callable[[], object]] = {
        "rename": lambda: api.send("PATCH", "/platforms/aws", scope="admin", json=renamed),
        "replay": lambda: [api.post(each, scope="admin") for each in replays],
        "refold": refold,
        "earlier attempt": lambda: post(client, earlier),
        "rerun": lambda: post(client, rerun),
    }
    for order in random.Random(7).sample([*permutations(changes)], 12):
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE builds, deliveries, platforms, projects, audit CASCADE")
            connection.execute("TRUNCATE name_aliases")
        report(client, "n-1", 10, "us-1:ami-1")
        report(client, "n-2", 20, "us-1:ami-2")
        replays = [f"/deliveries/{each['id']}/replay" for each in api.items("/deliveries")]
        for name in ("prod", "dev"):
            create(api, name)
        assign(api, "prod", "n-1")
        assign(api, "dev", "n-2")
        body = {"reason": "bad", "descendants": False}
        assert api.post("/builds/n-2/revocation", body, scope="admin").status_code == 201
        for name in order:
            changes[name]()
        assert served(api, "channel=prod", NEW) == "ami-1", order
        assert served(api, "channel=prod", OLD) == "ami-1", order
        assert served(api, "channel=dev", NEW) == 409, order


def test_merge_moves_what_is_assigned_and_its_undo_returns_it(
    client: FlaskClient, api: Api, command: Command
):
    report(client, "n-1", 10, "us-1:ami-1")
    report(client, "n-2", 20, "us-1:ami-2", platform="amazon")
    create(api, "prod")
    assign(api, "prod", "n-1")
    assign(api, "prod", "n-2")
    run(command, "merge", "platform", "amazon", "aws", "--yes")
    assert [each["build_number"] for each in api.items("/channels/prod")] == ["n-2"]
    assert served(api, "channel=prod", NEW) == served(api, "channel=prod", OLD) == "ami-2"
    run(command, "merge", "platform", "amazon", "--undo", "--yes")
    assert served(api, "channel=prod", NEW) == "ami-2"
    assert served(api, "channel=prod", OLD) == "ami-1"


def test_merged_projects_have_one_channel_of_a_name_until_the_undo(
    client: FlaskClient, api: Api, command: Command
):
    report(client, "n-1", 10, "us-1:ami-1")
    report(client, "d-1", 20, "us-1:ami-2", project="data", image_type="db")
    for name, project in (("prod", "core"), ("prod", "data"), ("own", "data")):
        create(api, name, project=project)
    assign(api, "prod", "n-1")
    assign(api, "prod", "d-1")
    assign(api, "own", "d-1")
    run(command, "merge", "project", "data", "core", "--yes")
    held = {each["build_number"] for each in api.items("/channels/prod?project=core")}
    assert held == {"n-1", "d-1"}
    assert {each["project"] for each in api.items("/channels/own?project=core")} == {"core"}
    run(command, "merge", "project", "data", "--undo", "--yes")
    for project, number in (("core", "n-1"), ("data", "d-1")):
        (held_one,) = api.items(f"/channels/prod?project={project}")
        assert (held_one["build_number"], held_one["project"]) == (number, project)
    assert len(api.items("/channels/own?project=data")) == 1


def test_decisions_about_a_routes_build_follow_it_into_the_hooks(forge: FlaskClient, token):
    api = Api(forge, token)
    assert post_github(forge, workflow_job("completed", "success")).status_code == 202
    (build,) = api.items("/builds")
    number = build["build_number"]
    body = {"reason": "bad", "in": "3d"}
    assert api.post(f"/builds/{number}/revocation", body, scope="admin").status_code == 201
    job = workflow_job("completed")["workflow_job"]
    key = f"github:acme/images:{job['run_id']}:{job['run_attempt']}:{job['id']}"
    hook = envelope(stage("Base", minutes=1), number="hooked", run=key)
    assert post(forge, hook).status_code == 202
    assert forge.get(f"/api/v1/builds/{number}").status_code == 301
    hooked = forge.get("/api/v1/builds/hooked").get_json()
    assert hooked["revocation"]["kind"] == "scheduled"
    assert hooked["revocation"]["build_number"] == "hooked"


@pytest.mark.parametrize("dimension", ["project", "platform"])
def test_name_of_an_assigned_image_cannot_be_deleted(
    client: FlaskClient, api: Api, url: str, dimension: str
):
    report(client, "n-1", 10, "us-1:ami-1")
    create(api, "prod")
    assign(api, "prod", "n-1")
    said = envelope(stage("Base"), number="n-1", run="run-n-1", build=IMAGE | {dimension: "other"})
    post(client, said)
    table = "projects" if dimension == "project" else "platforms"
    other = f"(SELECT id FROM {table} WHERE name = 'other')"
    with psycopg.connect(url) as connection:  # as if the build said another name by now
        connection.execute(f"UPDATE builds SET {dimension}_id = {other}".encode())
    path = f"/{table}/{IMAGE[dimension]}"
    answer = api.send("DELETE", path, scope="admin")
    assert (answer.status_code, list(answer.get_json()["references"])) == (
        409,
        ["channel_assignments"],
    )
