"""What needs somebody on the overview: what is still served, who waits, and whether all is here."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
from flask.testing import FlaskClient

from tests.api.test_lineage import BASE_1, CORE, DB_1, WEB_1, report, take
from tests.support.api import Api
from tests.support.channels import assign, create
from tests.support.senders import envelope, post, verdict


def needs(client: FlaskClient, **headers: str) -> str:
    text = client.get("/", headers=headers).text
    return text[text.index('id="needs"') : text.index('id="images"')]


def test_a_failed_image_tells_what_each_channel_still_serves(client: FlaskClient, api: Api):
    take(client, BASE_1)
    create(api, "prod")
    assert assign(api, "prod", "base-1").status_code in (200, 201)
    take(client, report("base-2", CORE, "ami-b2", minutes=100))
    take(client, report("base-3", CORE, None, minutes=200))
    row = needs(client)
    served = row[row.index('data-label="Still served"') :].partition("</td>")[0]
    assert '<bdi>latest</bdi> <a href="/builds/base-2"' in served
    assert '<bdi>prod</bdi> <a href="/builds/base-1"' in served


def test_a_failed_base_names_the_images_that_wait_for_it(
    client: FlaskClient, token: Callable[..., str]
):
    take(client, BASE_1, WEB_1, DB_1, report("base-3", CORE, None, minutes=200))
    waiting = needs(client).partition("Its images wait for it:")[2].partition("</div>")[0]
    assert f"image_type={WEB_1['build']['image_type']}" in waiting
    own = needs(client, Authorization=f"Bearer {token('read', '--project', 'core')}")
    assert "1 of other projects" in own.partition("Its images wait for it:")[2]


def test_an_image_without_a_good_build_serves_nothing(client: FlaskClient):
    take(client, report("base-3", CORE, None, minutes=200))
    row = needs(client)
    assert "nothing" in row[row.index('data-label="Still served"') :].partition("</td>")[0]
    assert "wait for it" not in row


def test_the_trust_line_tells_of_silent_senders_and_undelivered_notices(
    client: FlaskClient, url: str, token: Callable[..., str]
):
    assert post(client, envelope(verdict("completed"), build=CORE)).status_code == 202
    assert "no sender fell silent" in client.get("/").text
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE deliveries SET received_at = received_at - interval '8 days'")
        connection.execute(
            "INSERT INTO notice_causes (id, type, at)"
            " VALUES (gen_random_uuid(), 'failed', now() - interval '1 hour')"
        )
    text = client.get("/").text
    since = datetime.now(UTC) - timedelta(days=8)
    assert "<bdi>milepost</bdi> is silent since" in text
    assert f"{since.day} {since:%b}" in text
    assert "1 notice not delivered" in text
    found = client.get("/overview.json").get_json()["trust"]
    assert [each["source"] for each in found["silent"]] == ["milepost"]
    assert found["undelivered"] == 1
    own = {"Authorization": f"Bearer {token('read', '--project', 'core')}"}
    found = client.get("/overview.json", headers=own).get_json()["trust"]
    assert found == {"silent": [], "quarantined": 0, "undelivered": 0}


def test_an_image_that_was_not_started_says_since_when(client: FlaskClient):
    now = datetime.now(UTC)
    for days in (9, 8, 7, 6):
        began = now - timedelta(days=days, hours=2)
        end = verdict("completed") | {"at": (began + timedelta(hours=1)).isoformat()}
        start = {"kind": "stage", "stage": "Base", "status": "started", "at": began.isoformat()}
        assert (
            post(client, envelope(start, end, number=f"n-{days}", run=f"r-{days}", build=CORE))
        ).status_code == 202
    text = client.get("/?night=" + (now - timedelta(days=1)).date().isoformat()).text
    missing = text[text.index('id="missing"') :].partition("</details>")[0]
    assert "not started since" in missing
    assert "nights" in missing
    assert 'href="/builds/n-6"' in missing
