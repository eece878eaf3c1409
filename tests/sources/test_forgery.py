"""Whoever is not the sender gets one and the same answer, and leaves nothing but a count.

The numbers are of the project's list of bad inputs; the ways to forge are in forgeries.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.app import create_app
from receiver.config import Config
from tests.support import bad_input
from tests.support.forgeries import HUB, SECRETS, SIGNING, Headers, forgeries, key
from tests.support.senders import proof, signed
from tests.support.table_rows import rows

Serve = Callable[[Config], FlaskClient]
ADDRESSES = count(1)


@pytest.fixture(scope="module")
def receiver(module_url: str) -> Iterator[FlaskClient]:
    """One for all: nothing of a forgery stays."""
    config = Config(Path("/nonexistent"), module_url, public_read=True, secrets=SECRETS)
    app = create_app(config)
    yield app.test_client()
    app.extensions["milepost"].database.close()


def post(client: FlaskClient, path: str, body: bytes, headers: Headers) -> TestResponse:
    """From an address of its own, so that no case holds up another."""
    source = re.split("[/?]", path)[0]
    kind = "application/cloudevents+json" if source == "cloudevents" else "application/json"
    address = {"REMOTE_ADDR": f"10.1.{next(ADDRESSES) // 250}.{next(ADDRESSES) % 250}"}
    return client.post(
        f"/webhooks/{path}",
        data=body,
        headers=headers,
        content_type=kind,
        environ_overrides=address,
    )


def refusal(answer: TestResponse) -> tuple[int, bytes, set[tuple[str, str]]]:
    """Status, bytes and headers, without the request's id."""
    request_id = answer.headers["X-Request-ID"].encode()
    headers = {pair for pair in answer.headers if pair[0] != "X-Request-ID"}
    return answer.status_code, answer.data.replace(request_id, b"-"), headers


def kept(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM deliveries").fetchone()
    assert row
    return int(row[0])


def refused(client: FlaskClient, url: str, answer: TestResponse) -> None:
    """It is the one answer, and nothing of it is kept."""
    model = refusal(post(client, "github", b"{}", {}))
    assert model[0] == 401
    assert refusal(answer) == model
    assert kept(url) == 0


@pytest.mark.parametrize(("source", "secret", "make"), forgeries())
def test_what_its_sender_did_not_send_is_401(
    receiver: FlaskClient,
    url: str,
    source: str,
    secret: str,
    make: Callable[[str, bytes], Headers],
):
    body = bad_input.body(source)
    refused(receiver, url, post(receiver, source, body, make(secret, body)))


@pytest.mark.parametrize("source", SECRETS)
def test_18_a_secret_in_the_query_is_no_proof(
    receiver: FlaskClient, url: str, source: str, capsys: pytest.CaptureFixture[str]
):
    body = bad_input.body(source)
    for secret in SECRETS[source]:
        text = secret.removeprefix("bearer:")
        names = ("token", "secret", "access_token", "signature", "X-Gitlab-Token", "Authorization")
        query = "&".join(f"{name}={quote(text)}" for name in names)
        refused(receiver, url, post(receiver, f"{source}?{query}", body, {}))
        assert quote(text) not in capsys.readouterr().out


@pytest.mark.parametrize("source", SECRETS)
def test_a_right_proof_is_none_on_another_route(receiver: FlaskClient, url: str, source: str):
    for secret in SECRETS[source]:
        for other in set(SECRETS) - {source}:
            body = bad_input.body(other)
            headers = proof(source, secret, body)
            if secret.startswith("whsec_"):
                headers = signed(body, secret)
            refused(receiver, url, post(receiver, other, body, headers))


@pytest.mark.parametrize("source", SECRETS)
def test_a_right_proof_is_none_for_another_sender(
    serve: Serve, config: Config, url: str, tmp_path: Path, source: str
):
    others = {"jenkins": "team:other", "github": "other", "gitlab": "other"}
    other = others.get(source, key("team-a"))
    (tmp_path / "team-a.secret").write_text(other)
    (tmp_path / "senders.toml").write_text(
        f'[[sender]]\nname = "team-a"\nsource = "{source}"\nsecret_file = "team-a.secret"\n'
    )
    client, body = serve(replace(config, secrets=SECRETS)), bad_input.body(source)
    own = SECRETS[source][-1]
    refused(client, url, post(client, f"{source}/team-a", body, proof(source, own, body)))
    refused(client, url, post(client, source, body, proof(source, other, body)))
    assert post(client, source, body, proof(source, own, body)).status_code == 202
    other_body = bad_input.body(source)
    right = post(client, f"{source}/team-a", other_body, proof(source, other, other_body))
    assert right.status_code == 202


@pytest.mark.parametrize("source", SECRETS)
def test_11_12_an_old_secret_counts_until_it_is_taken_out(
    serve: Serve, config: Config, url: str, source: str
):
    old, body = SECRETS[source][-1], bad_input.body(source)
    new = {"jenkins": "jenkins:new", "github": "new", "gitlab": "new"}.get(source, key("new"))
    after = serve(replace(config, secrets=SECRETS | {source: (new,)}))
    refused(after, url, post(after, source, body, proof(source, old, body)))
    during = serve(replace(config, secrets={source: (new, old)}))
    assert post(during, source, body, proof(source, old, body)).status_code == 202


@pytest.mark.parametrize("source", SIGNING)
def test_16_a_replay_is_a_duplicate(receiver: FlaskClient, source: str):
    body = bad_input.body(source)
    headers = signed(body, SIGNING[source])
    answers = [post(receiver, source, body, headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 200]


def test_17_a_replay_of_githubs_under_another_id_changes_no_row(
    serve: Serve, config: Config, url: str, tmp_path: Path
):
    """GitHub signs no id: the event is known by what it says."""
    routes = tmp_path / "routes.toml"
    routes.write_text('[[route]]\nsource = "github"\nrepository = "acme/*"\n')
    client, body = serve(replace(config, secrets=SECRETS, routes=routes)), bad_input.body("github")
    headers = {"X-GitHub-Event": "workflow_job", **proof("github", HUB, body)}
    answer = post(client, "github", body, headers | {"X-GitHub-Delivery": "1"})
    before = rows(url)
    assert before["builds"]
    again = post(client, "github", body, headers | {"X-GitHub-Delivery": "2"})
    assert (answer.status_code, again.status_code) == (202, 202)
    assert rows(url) == before


def test_19_an_unknown_source_is_404_like_one_without_a_secret(client: FlaskClient):
    body = bad_input.body("milepost")
    answers = [post(client, path, body, signed(body)) for path in ("nonsense", "github", "jenkins")]
    answers += [post(client, "milepost/nobody", body, signed(body))]
    assert len({refusal(each)[1] for each in answers}) == 1
    assert answers[0].status_code == 404


def test_what_is_left_of_a_forgery_is_a_count(client: FlaskClient):
    for _ in range(3):
        post(client, "milepost", b"{}", {})
    wanted = 'milepost_deliveries_total{outcome="unauthorized",source="milepost"} 3.0'
    assert wanted in client.get("/metrics").text
