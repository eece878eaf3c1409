"""The inbox: lists and filters, one delivery, replay, and suggested routes."""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import psycopg
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from receiver.cli.main import main
from receiver.config import Config
from tests.support.forges import SECRETS, post_github, workflow_job
from tests.support.kept_bodies import forget
from tests.support.receivers import Running, started
from tests.support.samples import ROUTES
from tests.support.senders import envelope, get_build, post, stage, verdict
from tests.support.table_rows import rows

Serve = Callable[[Config], FlaskClient]
Token = Callable[..., str]
Command = Callable[..., Result]
NUMBER = "acme-images-500-rhel-9-hana-aws"
UNUSED = "no route and no hook makes it a build"


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    path = tmp_path / "routes.toml"
    path.write_text("")
    return path


@pytest.fixture
def forge(serve: Serve, config: Config, routes: Path) -> FlaskClient:
    """Return a client of a receiver with GitHub's webhooks and an empty file of routes."""
    secrets = {**config.secrets, "github": (SECRETS["github"],)}
    return serve(replace(config, secrets=secrets, routes=routes))


@pytest.fixture
def command(url: str, routes: Path, tmp_path: Path) -> Command:
    """Return a runner of `milepost …` with the same file of routes."""
    env = {
        "DATABASE_URL": url,
        "MILEPOST_DATA_DIR": str(tmp_path),
        "MILEPOST_ROUTES": str(routes),
        "MILEPOST_SECRET_GITHUB": SECRETS["github"],
    }
    return lambda *arguments: CliRunner().invoke(main, arguments, env=env)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Start a receiver with a socket."""
    with started() as running:
        yield running


def deliver(client: FlaskClient) -> None:
    """Post one delivery of each outcome."""
    assert post(client, envelope(stage("Base"))).status_code == 202
    assert post_github(client, workflow_job("completed", "success")).status_code == 202
    assert post_github(client, {"action": "created"}, "star").status_code == 202
    assert post_github(client, {"workflow_job": None}).status_code == 202


def listed_ids(client: FlaskClient, **conditions: str) -> list[str]:
    """Return the ids of the deliveries on a page."""
    text = client.get("/deliveries", query_string=conditions).text
    return re.findall(r'<td><a href="/deliveries/([0-9a-f-]{36})"', text)


def csrf(client: FlaskClient, path: str) -> dict[str, str]:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found
    return {"csrf": found[1]}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_every_delivery_is_listed_and_can_be_filtered(forge: FlaskClient):
    deliver(forge)
    assert len(listed_ids(forge)) == 4
    assert len(listed_ids(forge, source="github")) == 3
    assert len(listed_ids(forge, outcome="ignored")) == 2
    assert len(listed_ids(forge, outcome="quarantined")) == 1
    assert len(listed_ids(forge, outcome="ignored", reason=UNUSED)) == 1
    assert len(listed_ids(forge, source="github", sender="")) == 3
    assert listed_ids(forge, source="gitlab") == []
    assert "event star is not used" in forge.get("/deliveries").text


def test_pages_follow_each_other_without_gap_or_repetition(forge: FlaskClient):
    for place in range(120):
        assert post_github(forge, {"place": place}, "star").status_code == 202
    seen: list[str] = []
    path = "/deliveries?outcome=ignored"
    while path:
        text = forge.get(path).text
        seen += re.findall(r'<td><a href="/deliveries/([0-9a-f-]{36})"', text)
        older = re.search(r'rel="next" href="([^"]+)"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 120


def test_sender_is_shown_with_its_last_time_and_rates(forge: FlaskClient):
    deliver(forge)
    text = forge.get("/deliveries").text
    (row,) = re.findall(r"<tr>\s*<td><a [^>]*>github</a>.*?</tr>", text, re.DOTALL)
    numbers = re.findall(r'<td class="number">(?:<a [^>]*>)?(\d+)', row)
    assert numbers == ["3", "3", "2", "1"]
    assert "never" in re.findall(r"<tr>\s*<td><a [^>]*>packer</a>.*?</tr>", text, re.DOTALL)[0]


def test_a_delivery_shows_no_credential_and_its_body_to_administrators(
    forge: FlaskClient, token: Token
):
    deliver(forge)
    path = f"/deliveries/{listed_ids(forge, outcome='quarantined')[0]}"
    text = forge.get(path).text
    assert "x-github-event" in text
    assert "x-hub-signature" not in text.replace("X-Hub-Signature-256: sha256=", "")
    assert "workflow_job&#34;: null" not in text
    assert forge.get(f"{path}/body").status_code == 401
    assert forge.get(f"{path}/body", headers=bearer(token("write"))).status_code == 403
    admin = bearer(token("admin"))
    assert "workflow_job&#34;: null" in forge.get(path, headers=admin).text
    body = forge.get(f"{path}/body", headers=admin)
    assert orjson.loads(body.data) == {"workflow_job": None}
    assert body.headers["Content-Disposition"].startswith("attachment")


def test_an_unknown_delivery_is_404(forge: FlaskClient):
    assert forge.get("/deliveries/00000000-0000-0000-0000-000000000000").status_code == 404
    assert forge.get("/deliveries/x").status_code == 404


def test_replay_applies_an_ignored_delivery(
    forge: FlaskClient, command: Command, routes: Path, url: str
):
    post_github(forge, workflow_job("in_progress"))
    post_github(forge, workflow_job("completed"))
    post_github(forge, {"action": "created"}, "star")
    routes.write_text(ROUTES)
    assert command("replay", "--ignored").stdout == "1 ignored\n2 stored\n"
    late = rows(url)
    assert get_build(forge, NUMBER)["status"] == "failed"
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE deliveries, events, builds CASCADE")
    post_github(forge, workflow_job("in_progress"))
    post_github(forge, workflow_job("completed"))
    assert rows(url) == late


def test_replay_without_changes_changes_nothing(
    forge: FlaskClient, command: Command, routes: Path, url: str
):
    routes.write_text(ROUTES)
    deliver(forge)
    post(forge, envelope(verdict("completed", 20)))
    before = rows(url)
    for delivery_id in listed_ids(forge):
        assert command("replay", delivery_id).exit_code == 0
    assert rows(url) == before


def test_replay_removes_the_build_of_a_removed_route(
    forge: FlaskClient, command: Command, routes: Path
):
    routes.write_text(ROUTES)
    post_github(forge, workflow_job("completed", "success"))
    (delivery_id,) = listed_ids(forge)
    routes.write_text(ROUTES.replace("golden*", "other*"))
    assert command("replay", delivery_id).stdout == "1 ignored\n"
    assert forge.get("/api/v1/builds").get_json()["items"] == []
    assert listed_ids(forge, outcome="ignored") == [delivery_id]


def test_replay_on_the_page_needs_a_token(forge: FlaskClient, routes: Path, token: Token):
    post_github(forge, workflow_job("completed", "success"))
    path = f"/deliveries/{listed_ids(forge)[0]}"
    routes.write_text(ROUTES)
    assert forge.post(f"{path}/replay", data=csrf(forge, path)).status_code == 401
    reader = forge.post(f"{path}/replay", headers=bearer(token("read")))
    assert reader.status_code == 403
    writer = forge.post(f"{path}/replay", headers=bearer(token("write")))
    assert writer.status_code == 403
    boss = forge.post(f"{path}/replay", headers=bearer(token("admin")))
    assert (boss.status_code, boss.location) == (303, path)
    assert get_build(forge, NUMBER)["status"] == "completed"


def test_a_pruned_body_cannot_be_replayed(forge: FlaskClient, command: Command, url: str):
    deliver(forge)
    forget(url)
    delivery_id = listed_ids(forge)[0]
    refused = command("replay", delivery_id)
    assert refused.exit_code == 1
    assert "body was pruned" in refused.output
    assert "was pruned" in forge.get(f"/deliveries/{delivery_id}").text


def test_replay_needs_an_id_or_an_outcome(command: Command):
    for arguments in ([], ["00000000-0000-0000-0000-000000000000", "--ignored"]):
        assert command("replay", *arguments).exit_code == 2
    assert command("replay", "00000000-0000-0000-0000-000000000000").exit_code == 1
    assert command("replay", "--quarantined").stdout == "Nothing to replay.\n"


def test_command_lists_the_deliveries_of_the_page(forge: FlaskClient, command: Command):
    deliver(forge)
    listed_rows = orjson.loads(command("deliveries", "--json").stdout)
    assert [row["id"] for row in listed_rows] == listed_ids(forge)
    table = command("deliveries", "--outcome", "quarantined").stdout
    assert "workflow_job" in table
    assert "core-1" in command("deliveries", "--source", "milepost").stdout


def test_routes_are_suggested_from_ignored_deliveries(forge: FlaskClient, command: Command):
    for place, name in enumerate(("rhel-9, hana, aws", "sles-15, hana, aws")):
        document = workflow_job("completed", "success", name=f"build ({name})", id=place)
        post_github(forge, document)
    suggested = command("routes", "suggest").stdout
    assert "# 2 jobs: build (rhel-9, hana, aws), build (sles-15, hana, aws)" in suggested
    page = forge.get("/deliveries/routes").text
    assert "2 jobs of" in page
    assert "(?P&lt;os_version&gt;" in page


@pytest.mark.parametrize("source", ["milepost", "packer", "github", "gitlab", "jenkins"])
def test_a_delivery_copied_as_curl_arrives(running: Running, tmp_path: Path, source: str):
    body = orjson.dumps({"note": 'it\'s "quoted" $HOME', "version": 1})
    if source == "milepost":
        body = orjson.dumps(envelope(stage("it's")))
    if source == "packer":
        body = orjson.dumps({"builds": [{"builder_type": "null"}], "last_run_uuid": "x"})
    event = {"X-GitHub-Event": "it's", "X-Gitlab-Event": "a b"}
    first = running.post_as(source, body, **event).json()
    page = running.get(f"/deliveries/{first['id']}")
    script = re.findall(r"bash\.</p>\s*<pre><code>(.*?)</code>", page, re.DOTALL)[0]
    text = script.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&")
    text = text.replace("&gt;", ">").replace("&lt;", "<").replace("SECRET=…", 'SECRET="$THEIRS"')
    (tmp_path / "delivery.body").write_bytes(body)
    secret = running.secrets[source].splitlines()[0]
    ran = subprocess.run(
        ["bash", "-c", text],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "THEIRS": secret},
        capture_output=True,
        check=True,
    )
    again = orjson.loads(ran.stdout)
    assert again["id"] == first["id"]
    assert again["duplicate"] is True


def test_refusals_are_shown_by_sender_and_reason(client: FlaskClient):
    assert client.post("/webhooks/milepost", json={}).status_code == 401
    assert client.post("/webhooks/milepost/nobody", data=b"{}").status_code == 404
    other, row = client.get("/deliveries.json").get_json()["refusals"]
    assert [row[name] for name in ("source", "sender", "code")] == ["milepost", "", "unauthorized"]
    assert row["count"] == 1
    assert [other[name] for name in ("source", "sender", "code")] == ["milepost", "?", "not-found"]
    for path in ("/setup", "/deliveries"):
        page = client.get(path).text
        assert "<code>no-signature</code>" in page
        assert "nobody" not in page


def test_problems_come_first_with_what_to_do(forge: FlaskClient):
    deliver(forge)
    post_github(forge, workflow_job("completed", "success", job_id=7))
    page = forge.get("/deliveries").text
    assert page.index('id="problems"') < page.index('id="senders"') < page.index('id="inbox"')
    assert "Suggest routes" in page[: page.index('id="senders"')]
    problems = forge.get("/deliveries.json").get_json()["problems"]
    assert [(row["outcome"], row["count"]) for row in problems] == [
        ("quarantined", 1),
        ("ignored", 2),
    ]
    assert all(row["advice"] for row in problems)
    assert forge.get(f"/deliveries/{problems[0]['id']}").status_code == 200
    filtered = forge.get("/deliveries?outcome=quarantined").text
    assert 'id="problems"' not in filtered
