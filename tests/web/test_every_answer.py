"""Rules for every route: security headers, GET without changes, forms with a CSRF value."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from receiver.app import create_app
from receiver.config import Config, load
from receiver.errors import ConfigError
from receiver.ingest.stored_settings import StoredSetting
from tests.support import forges
from tests.support.senders import envelope, manifest, post, stage, verdict

Serve = Callable[[Config], FlaskClient]
OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
KNOWN = OF | {"build_number": "core-1", "filename": "milepost.css", "part": "stages"}
KNOWN |= {"source_name": "milepost", "sender_name": "team", "name": "core", "names": "core"}


def paths(app: Flask, method: str, url: str) -> Iterator[str]:
    """Yield every path of a method, for objects that exist."""
    with psycopg.connect(url) as connection:
        (delivery,) = connection.execute("SELECT id FROM deliveries").fetchone() or (None,)
        (failure,) = connection.execute("SELECT id FROM build_failures").fetchone() or (None,)
    known = KNOWN | {"delivery_id": delivery, "failure_id": failure}
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if method in (rule.methods or ()):
                built = rule.build({name: known[name] for name in rule.arguments}, False)
                assert built
                yield built[1]


@pytest.fixture
def filled(client: FlaskClient) -> FlaskClient:
    """A receiver with a build, a failure, an artifact and a delivery."""
    failure = {"type": "t", "message": "m", "component": "c"}
    made = manifest({"builder_type": "amazon-ebs", "artifact_id": "a-1:ami-1"})
    events = (stage("Storage", "failed", 1, failure=failure), verdict("failed", 2))
    assert post(client, envelope(*events, build=OF, manifest=made)).status_code == 202
    return client


def test_every_answer_has_the_security_headers(filled: FlaskClient, url: str):
    for path in [*paths(filled.application, "GET", url), "/nowhere", "/webhooks/nowhere"]:
        for accept in ("text/html", "application/json"):
            answer = filled.get(path, headers={"Accept": accept})
            answer.close()
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cache-Control"], path
            assert "public" not in answer.headers["Cache-Control"]
            assert "Strict-Transport-Security" not in answer.headers


def rows(url: str) -> list[tuple[str, object]]:
    """Return, for each table, the transactions that wrote its rows last."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        return [
            (name, connection.execute(f"SELECT xmin, xmax FROM {name}".encode()).fetchall())
            for (name,) in names
        ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_changes_nothing(
    filled: FlaskClient, url: str, method: str, token: Callable[..., str]
):
    headers = {"Authorization": f"Bearer {token('admin')}"}
    before = rows(url)
    for path in paths(filled.application, "GET", url):
        answer = filled.open(path, method=method, headers=headers)
        answer.close()
        assert answer.status_code < 500
    assert rows(url) == before


def test_form_without_its_csrf_value_is_refused(
    filled: FlaskClient, url: str, token: Callable[..., str]
):
    filled.set_cookie("milepost_token", token("admin"))
    posts = [
        path for path in paths(filled.application, "POST", url) if not path.startswith("/webhooks/")
    ]
    assert len(posts) > 5
    before = rows(url)
    for path in posts:
        for data in ({}, {"csrf": ""}, {"csrf": "guessed"}):
            assert filled.post(path, data=data).status_code == 403, path
    assert rows(url) == before


def test_cookies_are_for_this_site_and_go_over_tls_where_there_is_tls(serve: Serve, config: Config):
    client = serve(replace(config, trusted_proxies=(ip_network("127.0.0.1/32"),)))
    plain = client.get("/sign-in").headers.getlist("Set-Cookie")
    secure = client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in plain)
    assert all("Secure" in each for each in secure.headers.getlist("Set-Cookie"))
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_badge_is_private_until_badges_are_public(
    filled: FlaskClient, serve: Serve, config: Config
):
    path = "/badge/core/aws/rhel-9/base.svg"
    assert filled.get(path).headers["Cache-Control"].startswith("private")
    closed = serve(replace(config, public_read=False))
    assert closed.get(path).status_code == 401
    public = serve(replace(config, public_read=False, public_badges=True))
    assert public.get("/badge/core.svg").status_code == 200
    assert public.get("/").status_code == 401
    assert public.get(path).headers["Cache-Control"].startswith("public")
    assert "core-1" not in public.get(path).text  # neither number nor failure


def test_own_host_names_are_trusted_and_others_not(serve: Serve, config: Config):
    named = replace(
        config, external_url="https://milepost.example.com", trusted_hosts=("other.example.com",)
    )
    client = serve(named)
    for host, status in {
        "milepost.example.com": 200,
        "MILEPOST.example.com.:443": 200,
        "other.example.com": 200,
        "evil.example.com": 400,
        "example.com": 400,
    }.items():
        assert client.get("/", headers={"Host": host}).status_code == status, host
    answer = client.get("/", headers={"Host": "evil.example.com", "Accept": "text/html"})
    assert "MILEPOST_TRUSTED_HOSTS" in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize("text", ["https://a.example", "a.example:80", "*.example", "a b"])
def test_invalid_host_name_is_a_config_error(text: str):
    with pytest.raises(ConfigError, match="MILEPOST_TRUSTED_HOSTS must be names"):
        load({"MILEPOST_TRUSTED_HOSTS": text})


def test_a_broken_database_url_is_named_and_not_shown():
    with pytest.raises(ConfigError) as caught:
        load({"DATABASE_URL": "postgres//user:canary@host/database"})
    assert "DATABASE_URL must be as" in str(caught.value)
    assert "canary" not in str(caught.value)


def broken() -> str:
    raise RuntimeError("canary")


def test_an_unexpected_error_is_500_once_in_the_log_without_its_text(
    config: Config, capsys: pytest.CaptureFixture[str]
):
    app = create_app(config)
    app.add_url_rule("/broken", view_func=broken)
    capsys.readouterr()
    answer = app.test_client().get("/broken%0aforged", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    answer = app.test_client().get("/broken", headers={"Accept": "application/json"})
    app.extensions["milepost"].database.close()
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    output = capsys.readouterr()
    lines = [line for line in output.out.splitlines() if answer.get_json()["request_id"] in line]
    assert ["unexpected" in line for line in lines] == [True, False]
    assert "test_every_answer.py" in lines[0]
    assert "canary" not in output.out + output.err + answer.text
    assert "Traceback" not in output.out + output.err + answer.text


class BrokenRoutes:
    """Routes with a bug."""

    def match(self, _subject: object) -> None:
        raise ZeroDivisionError("canary")


def test_delivery_of_a_forge_is_stored_when_our_code_fails(
    serve: Serve, config: Config, capsys: pytest.CaptureFixture[str]
):
    client = serve(replace(config, secrets={"github": (forges.SECRETS["github"],)}))
    services = client.application.extensions["milepost"]
    bug = StoredSetting("routes", lambda _: ((0, BrokenRoutes()), ()))
    services.rules.stored.kinds["routes"] = bug
    answer = forges.post_github(client, forges.workflow_job("completed"))
    body = answer.get_json()
    assert (answer.status_code, body["outcome"]) == (202, "quarantined")
    log = capsys.readouterr().out
    assert "ZeroDivisionError" in log
    assert body["id"] in log
    assert "canary" not in log


HOSTILE_QUERIES = [
    *("endpoint=x", "_method=DELETE", "_external=1", "_scheme=x", "_anchor=x", "values=1"),
    *("status=failed&_external=1", "after=x", "limit=0", "q=%00", "text=%ff%fe", "low=x&high=%C3"),
    *("since=9999-99-99", "since=0001-01-01T00:00", "order=x", "project=%00&sender=", "a[]=1"),
    *("build_number=x", "delivery_id=1", "name=..", "format=text&region=", "%=%", "=&&=;"),
]


@pytest.mark.parametrize("query", HOSTILE_QUERIES)
def test_no_query_of_any_path_is_an_error_of_ours(filled: FlaskClient, url: str, query: str):
    for path in paths(filled.application, "GET", url):
        for accept in ("text/html", "application/json"):
            answer = filled.get(f"{path}?{query}", headers={"Accept": accept})
            answer.close()
            assert answer.status_code < 500, path
