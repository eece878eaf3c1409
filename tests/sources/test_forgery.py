"""A request that its sender did not sign gets one answer, and nothing of it is stored but a count.

The ways to forge are in tests/support/forgeries.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from receiver.app import create_app
from receiver.config import Config
from tests.support import table_rows
from tests.support.deliveries import body
from tests.support.forgeries import SECRETS, SIGNING, Forgery, Headers, forgeries, key
from tests.support.samples import ROUTE_FILE
from tests.support.senders import proof, sign

Serve = Callable[[Config], FlaskClient]
ADDRESSES = count(1)
OTHERS = {"jenkins": "team:other", "github": "other", "gitlab": "other"}


@pytest.fixture(scope="module")
def receiver(module_url: str) -> Iterator[FlaskClient]:
    """One for all: nothing of a forgery stays."""
    config = Config(Path("/nonexistent"), module_url, public_read=True, secrets=SECRETS)
    app = create_app(config)
    yield app.test_client()
    app.extensions["milepost"].database.close()


def post(client: FlaskClient, path: str, content: bytes, headers: Headers) -> TestResponse:
    """Post from an address of its own, so that the rate limit of no case meets another."""
    source = re.split("[/?]", path)[0]
    kind = "application/cloudevents+json" if source == "cloudevents" else "application/json"
    address = {"REMOTE_ADDR": f"10.1.{next(ADDRESSES) // 250}.{next(ADDRESSES) % 250}"}
    return client.post(
        f"/webhooks/{path}",
        data=content,
        headers=headers,
        content_type=kind,
        environ_overrides=address,
    )


def without_id(answer: TestResponse) -> tuple[int, bytes, set[tuple[str, str]]]:
    """Return status, bytes and headers, without the request's id."""
    request_id = answer.headers["X-Request-ID"].encode()
    headers = {pair for pair in answer.headers if pair[0] != "X-Request-ID"}
    return answer.status_code, answer.data.replace(request_id, b"-"), headers


def assert_refused(client: FlaskClient, url: str, answer: TestResponse) -> None:
    """It is the one answer, and no row is stored."""
    model = without_id(post(client, "github", b"{}", {}))
    assert model[0] == 401
    assert without_id(answer) == model
    assert table_rows.count(url, "deliveries") == 0


@pytest.mark.parametrize(("source", "secret", "forge"), forgeries())
def test_a_forgery_is_401(
    receiver: FlaskClient, url: str, source: str, secret: str, forge: Forgery
):
    content = body(source)
    answer = post(receiver, source, content, forge(secret, content))
    assert_refused(receiver, url, answer)


@pytest.mark.parametrize("source", SECRETS)
def test_a_secret_in_the_query_is_no_proof_and_not_logged(
    receiver: FlaskClient, url: str, source: str, capsys: pytest.CaptureFixture[str]
):
    for secret in SECRETS[source]:
        text = secret.removeprefix("bearer:")
        names = ("token", "secret", "access_token", "signature", "X-Gitlab-Token", "Authorization")
        query = "&".join(f"{name}={quote(text)}" for name in names)
        assert_refused(receiver, url, post(receiver, f"{source}?{query}", body(source), {}))
        assert quote(text) not in capsys.readouterr().out


@pytest.mark.parametrize("source", SECRETS)
def test_a_proof_of_one_source_is_none_on_another_route(
    receiver: FlaskClient, url: str, source: str
):
    for secret in SECRETS[source]:
        for other in set(SECRETS) - {source}:
            content = body(other)
            headers = proof(source, secret, content)
            assert_refused(receiver, url, post(receiver, other, content, headers))


@pytest.mark.parametrize("source", SECRETS)
def test_a_proof_of_one_sender_is_none_for_another(
    serve: Serve, config: Config, url: str, tmp_path: Path, source: str
):
    other = OTHERS.get(source, key("team-a"))
    (tmp_path / "team-a.secret").write_text(other)
    (tmp_path / "senders.toml").write_text(
        f'[[sender]]\nname = "team-a"\nsource = "{source}"\nsecret_file = "team-a.secret"\n'
    )
    client, own = serve(replace(config, secrets=SECRETS)), SECRETS[source][-1]

    def answer(path: str, secret: str) -> TestResponse:
        content = body(source)
        return post(client, path, content, proof(source, secret, content))

    assert_refused(client, url, answer(f"{source}/team-a", own))
    assert_refused(client, url, answer(source, other))
    assert answer(source, own).status_code == 202
    assert answer(f"{source}/team-a", other).status_code == 202


@pytest.mark.parametrize("source", SECRETS)
def test_an_old_secret_counts_until_it_is_removed(
    serve: Serve, config: Config, url: str, source: str
):
    old, new, content = SECRETS[source][-1], OTHERS.get(source, key("new")), body(source)
    after = serve(replace(config, secrets=SECRETS | {source: (new,)}))
    assert_refused(after, url, post(after, source, content, proof(source, old, content)))
    during = serve(replace(config, secrets={source: (new, old)}))
    assert post(during, source, content, proof(source, old, content)).status_code == 202


@pytest.mark.parametrize("source", SIGNING)
def test_a_replay_is_a_duplicate(receiver: FlaskClient, source: str):
    content = body(source)
    headers = sign(content, SIGNING[source])
    answers = [post(receiver, source, content, headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [202, 200]


def test_a_replay_of_githubs_under_another_id_changes_no_row(
    serve: Serve, config: Config, url: str
):
    """GitHub signs no id: the event is known by what it says."""
    client = serve(replace(config, secrets=SECRETS, routes=ROUTE_FILE))
    content = body("github")
    proven = {"X-GitHub-Event": "workflow_job", **proof("github", SECRETS["github"][0], content)}
    first = post(client, "github", content, proven | {"X-GitHub-Delivery": "1"})
    before = table_rows.rows(url)
    assert before["builds"]
    again = post(client, "github", content, proven | {"X-GitHub-Delivery": "2"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert table_rows.rows(url) == before


def test_an_unknown_source_is_404_like_one_without_a_secret(client: FlaskClient):
    content = body("milepost")
    paths = ("nonsense", "github", "jenkins", "milepost/nobody")
    answers = [post(client, path, content, sign(content)) for path in paths]
    assert len({without_id(each)[1] for each in answers}) == 1
    assert answers[0].status_code == 404


def test_each_forgery_is_counted(client: FlaskClient):
    for _ in range(3):
        post(client, "milepost", b"{}", {})
    line = 'milepost_deliveries_total{outcome="unauthorized",source="milepost"} 3.0'
    assert line in client.get("/metrics").text
