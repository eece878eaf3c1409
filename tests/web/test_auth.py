"""Tokens and their scopes, the sign-in form, cookies and CSRF values."""

import re
from collections.abc import Callable
from dataclasses import replace

import orjson
import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import envelope, post, stage

Serve = Callable[[Config], FlaskClient]
Token = Callable[..., str]
Command = Callable[..., Result]
PATHS = ["/", "/builds", "/api/v1/builds"]


@pytest.fixture
def closed(serve: Serve, config: Config) -> FlaskClient:
    return serve(replace(config, public_read=False))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def sign_in(client: FlaskClient, token: str, to: str = "/builds"):
    page = client.get("/sign-in").text
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return client.post("/sign-in", data={"csrf": found[1], "token": token, "next": to})


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_read_without_a_token(closed: FlaskClient, path: str, token: Token):
    for headers in ({}, bearer("mp_wrong"), bearer(""), {"Authorization": "Basic YTpi"}):
        assert closed.get(path, headers=headers).status_code == 401
    for scope in ("read", "write", "admin"):
        assert closed.get(path, headers=bearer(token(scope))).status_code == 200


def test_wrong_token_is_refused_on_a_public_receiver(client: FlaskClient):
    assert client.get("/api/v1/builds").status_code == 200
    answer = client.get("/api/v1/builds", headers=bearer("mp_wrong"))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "closed")


def test_browser_gets_the_form_with_the_401(closed: FlaskClient):
    answer = closed.get("/builds?after=x", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert 'name="token"' in answer.text
    assert 'value="/builds?after=x"' in answer.text


def test_form_stores_the_token_in_a_cookie(closed: FlaskClient, token: Token):
    answer = sign_in(closed, token("read"))
    assert (answer.status_code, answer.location) == (303, "/builds")
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if "milepost_token" in each)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert closed.get("/builds").status_code == 200


def test_form_refuses_a_wrong_token_and_sets_no_cookie(closed: FlaskClient):
    answer = sign_in(closed, "mp_wrong")
    assert answer.status_code == 401
    assert "unknown, expired or revoked" in answer.text
    assert closed.get("/builds").status_code == 401


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", ""])
def test_form_redirects_to_no_other_site(closed: FlaskClient, token: Token, to: str):
    assert sign_in(closed, token("read"), to).location == "/"


def test_form_of_another_site_is_refused(closed: FlaskClient, token: Token):
    data = {"token": token("read"), "csrf": "guessed"}
    assert closed.post("/sign-in", data=data).status_code == 403
    page = closed.get("/sign-in").text
    data["csrf"] = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    foreign = {"Origin": "https://evil.example"}
    assert closed.post("/sign-in", data=data, headers=foreign).status_code == 403
    own = {"Origin": "http://localhost"}
    assert closed.post("/sign-in", data=data, headers=own).status_code == 303


def test_form_of_another_site_is_not_kept_for_after_the_sign_in(closed: FlaskClient):
    data = {"reason": "theirs", "csrf": "guessed"}
    for origin, is_kept in (("http://localhost", True), ("https://evil.example", False)):
        headers = {"Origin": origin, "Accept": "text/html"}
        page = closed.post("/builds/b-1/revoke", data=data, headers=headers)
        assert page.status_code == 401
        assert ("theirs" in page.text) == is_kept
        assert ("kept_path" in page.text) == is_kept


def test_signing_out_deletes_the_cookie(closed: FlaskClient, token: Token):
    sign_in(closed, token("read"))
    found = re.search(r'name="csrf" value="([^"]+)"', closed.get("/sign-in").text)
    assert found
    assert closed.post("/sign-out", data={"csrf": found[1]}).status_code == 303
    assert closed.get("/builds").status_code == 401


def test_a_token_ends_when_it_is_revoked(closed: FlaskClient, command: Command):
    made = command("token", "create", "--name", "ann", "--scope", "read")
    headers = bearer(made.stdout.strip())
    assert closed.get("/builds", headers=headers).status_code == 200
    assert command("token", "revoke", "ann").exit_code == 0
    assert closed.get("/builds", headers=headers).status_code == 401
    assert command("token", "revoke", "ann").exit_code == 1


def test_a_token_ends_when_it_expires(closed: FlaskClient, token: Token, url: str):
    headers = bearer(token("read", "--expires", "1d"))
    assert closed.get("/builds", headers=headers).status_code == 200
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE tokens SET expires_at = now()")
    assert closed.get("/builds", headers=headers).status_code == 401


def test_token_that_expires_in_the_past_is_refused(command: Command):
    made = command("token", "create", "--name", "a", "--scope", "read", "--expires", "2020-01-01")
    assert (made.exit_code, "is over already" in made.output) == (2, True)


def test_token_is_shown_once_and_stored_as_a_digest(command: Command, url: str):
    made = command("token", "create", "--name", "ann", "--scope", "admin")
    assert re.fullmatch(r"mp_[\w-]{43}\n", made.stdout)
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tokens::text FROM tokens").fetchall()
    assert made.stdout.strip() not in str(rows)
    listed = command("token", "list", "--json").stdout
    assert made.stdout.strip() not in listed
    (row,) = orjson.loads(listed)
    assert (row["name"], row["scope"], row["project"]) == ("ann", "admin", None)
    assert "ann" in command("token", "list").stdout


def test_token_names_are_unique(command: Command):
    arguments = ("token", "create", "--name", "ann", "--scope", "read")
    assert command(*arguments).exit_code == 0
    refused = command(*arguments)
    assert refused.exit_code == 1
    assert "There is a token called ann" in refused.output


@pytest.mark.parametrize("text", ["soon", "30", "-1d", "2027-13-01"])
def test_invalid_expiry_is_refused(command: Command, text: str):
    refused = command("token", "create", "--name", "a", "--scope", "read", "--expires", text)
    assert refused.exit_code == 2
    assert "30d, 12h" in refused.output


def test_a_token_of_one_project_reads_no_other(closed: FlaskClient, token: Token):
    for number, project in (("core-1", "core"), ("edge-1", "edge")):
        document = envelope(stage("Base"), number=number, build={"project": project})
        assert post(closed, document).status_code == 202
    headers = bearer(token("read", "--project", "core"))
    for path in ("/", "/overview.json", "/failures", "/failures.json", "/trends.json"):
        answer = closed.get(path, headers=headers | {"Accept": "text/html"})
        assert answer.status_code == 200
        assert "edge-1" not in answer.text
    listed = closed.get("/api/v1/builds", headers=headers).get_json()["items"]
    assert [item["build_number"] for item in listed] == ["core-1"]
    assert closed.get("/api/v1/builds/core-1", headers=headers).status_code == 200
    assert closed.get("/api/v1/builds/edge-1", headers=headers).status_code == 404


def test_a_token_of_one_project_sees_no_name_of_another(closed: FlaskClient, token: Token):
    for project in ("core", "secretive"):
        names = {each: f"{project}-{each}" for each in ("platform", "os_version", "image_type")}
        build = {"project": project, **names}
        sent = post(closed, envelope(stage("Base"), number=f"{project}-1", build=build))
        assert sent.status_code == 202
    own = bearer(token("read", "--project", "core"))
    pages = ("/", "/overview.json", "/search.json?q=core-")
    for path in (
        *pages,
        "/builds",
        "/builds.json",
        "/feed.atom",
        "/builds/core-1",
        "/api/v1/builds",
    ):
        answer = closed.get(path, headers=own | {"Accept": "text/html"})
        assert answer.status_code == 200
        assert "core-os_version" in answer.text or "core-1" in answer.text
        assert "secretive" not in answer.text
    for path in ("/api/v1/builds?project=%s", "/api/v1/builds/%s-1", "/builds/%s-1"):
        unknown, other = (
            closed.get(path % name, headers=own) for name in ("nothing12", "secretive")
        )
        assert 403 <= unknown.status_code == other.status_code <= 404
        assert unknown.get_json()["detail"] == other.get_json()["detail"].replace(
            "secretive", "nothing12"
        )
