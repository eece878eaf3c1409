"""`/setup`: how each sender goes, what a test checked, and the lines to paste."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from receiver.sources import SOURCES
from receiver.web.pages.setup_lines import TABS, setup_lines
from tests.support.forges import SECRETS
from tests.support.senders import BEARER, PACKER_BEARER, SECRET, envelope, post, stage

Serve = Callable[[Config], FlaskClient]
ALL = SECRETS | {"milepost": SECRET, "packer": PACKER_BEARER, "cloudevents": BEARER + "-ce"}


def states(client: FlaskClient) -> dict[str, str]:
    items = client.get("/setup.json").get_json()["items"]
    return {item["source"]: item["state"] for item in items}


def run_test(client: FlaskClient, token: str, source: str) -> str:
    """Send the form of a card, and return the page."""
    client.get("/setup")
    client.set_cookie("milepost_token", token)
    cookie = client.get_cookie("milepost_csrf")
    assert cookie
    fields = {"csrf": cookie.value, "source": source, "sender": ""}
    return client.post("/setup/test", data=fields).text


def test_a_card_tells_how_its_sender_goes(client: FlaskClient):
    assert states(client) == {"milepost": "unheard", "packer": "unheard"}
    client.post("/webhooks/milepost", data=b"{}", content_type="application/json")
    assert states(client)["milepost"] == "refused"
    assert post(client, envelope(stage("Base"))).status_code == 202
    assert states(client)["milepost"] == "heard"
    client.post("/webhooks/milepost", data=b"{}", content_type="application/json")
    assert states(client)["milepost"] == "refused"


def test_a_sender_that_is_silent_for_longer_than_ever_is_told(client: FlaskClient, url: str):
    assert post(client, envelope(stage("Base"))).status_code == 202
    with psycopg.connect(url) as connection:
        ago = timedelta(days=8)
        connection.execute("UPDATE deliveries SET received_at = received_at - %s", [ago])
    assert states(client)["milepost"] == "silent"
    assert "Silent for longer than ever" in client.get("/setup").text


@pytest.mark.parametrize("source", sorted(SOURCES.keys() - {"api"}))
def test_a_test_says_what_it_checked_and_what_not(
    serve: Serve, config: Config, token: Callable[..., str], source: str
):
    client = serve(replace(config, secrets={name: (secret,) for name, secret in ALL.items()}))
    page = run_test(client, token("write"), source)
    assert f"A test for http://localhost/webhooks/{source}, signed with its only secret" in page
    assert "✗</span>" not in page.partition('role="status"')[2].partition("</div>")[0]
    assert "Not checked: The way from the sender to this receiver" in page
    assert client.get("/builds.json").get_json()["items"] == []


def test_a_test_of_a_sender_of_two_projects_passes(
    serve: Serve, config: Config, token: Callable[..., str]
):
    (config.data_dir / "a.secret").write_text(f"{BEARER}-a\n")
    config.senders.write_text(
        '[[sender]]\nname = "a"\nsource = "milepost"\nsecret_file = "a.secret"\n'
        'projects = ["core", "web"]\n'
    )
    client = serve(config)
    client.get("/setup")
    client.set_cookie("milepost_token", token("write"))
    cookie = client.get_cookie("milepost_csrf")
    assert cookie
    fields = {"csrf": cookie.value, "source": "milepost", "sender": "a"}
    page = client.post("/setup/test", data=fields).text
    assert "was verified" in page
    assert "✗</span>" not in page.partition('role="status"')[2].partition("</div>")[0]


@pytest.mark.parametrize("tab", [each.key for each in TABS])
def test_each_tab_has_this_receivers_address_and_no_secret(serve: Serve, config: Config, tab: str):
    secrets = {name: (secret,) for name, secret in ALL.items()}
    config = replace(config, secrets=secrets, external_url="http://milepost.example:8000")
    page = serve(config).get(f"/setup?tab={tab}").text
    lines = page.partition('id="connect"')[2]
    assert "http://milepost.example:8000/webhooks/" in lines
    assert "NAME" not in lines
    assert not [secret for secret in ALL.values() if secret in page]


def test_a_tab_names_the_chosen_sender_and_what_is_missing(serve: Serve, config: Config):
    (config.data_dir / "a.secret").write_text(f"{BEARER}-a\n")
    config.senders.write_text(
        '[[sender]]\nname = "team-a"\nsource = "milepost"\nsecret_file = "a.secret"\n'
    )
    page = serve(config).get("/setup?tab=github&sender=team-a").text
    lines = page.partition('id="connect"')[2]
    assert "http://localhost/webhooks/milepost/team-a" in lines
    assert "There is no sender of github yet" in lines


def test_lines_are_filled_in_once():
    lines = setup_lines("http://h", "github", "a", "{address}")
    assert "Secret        {address}" in lines
