"""Images that a person confirms: by API, command and page."""

from collections.abc import Callable

import psycopg
import pytest
from click.testing import Result
from flask.testing import FlaskClient

from tests.support.api import Api
from tests.support.senders import envelope, post, stage

Command = Callable[..., Result]
IMAGE = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
PATH = "/confirmed_images"
pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture
def built(client: FlaskClient) -> FlaskClient:
    """A receiver with a build of IMAGE, and one of no project."""
    for number, build in (("one", IMAGE), ("two", {**IMAGE, "project": None})):
        document = envelope(stage("Base"), number=number, build=build)
        assert post(client, document).status_code == 202
    return client


def confirmed(api: Api) -> list[dict[str, object]]:
    items = api.send("GET", PATH).get_json()["items"]
    return [{name: row[name] for name in IMAGE} for row in items]


def test_an_image_is_confirmed_once_and_taken_back(api: Api):
    first, second = (api.send("POST", PATH, scope="write", json=IMAGE) for _ in range(2))
    assert (first.status_code, first.get_json()) == (201, {"duplicate": False})
    assert (second.status_code, second.get_json()) == (200, {"duplicate": True})
    assert confirmed(api) == [IMAGE]
    assert api.send("DELETE", PATH, scope="write", query_string=IMAGE).status_code == 204
    assert confirmed(api) == []
    assert api.send("DELETE", PATH, scope="write", query_string=IMAGE).status_code == 404


def test_an_image_without_a_project_is_another(api: Api):
    names = {name: text for name, text in IMAGE.items() if name != "project"}
    assert api.send("POST", PATH, scope="write", json=names).status_code == 201
    assert confirmed(api) == [{**names, "project": None}]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"os_version": "unknown"}, 422, "unknown is the name of nothing"),
        ({"os_version": "sles-15"}, 404, "There is no OS version sles-15."),
        ({"os_version": "s\0"}, 404, "There is no OS version s"),
        ({"image_type": "web"}, 404, "There is no build of core · aws · rhel-9 · web."),
        ({"image_type": ""}, 422, "Length must be between"),
    ],
)
def test_what_is_no_image_cannot_be_confirmed(
    client: FlaskClient, api: Api, change: dict[str, str], status: int, words: str
):
    post(client, envelope(stage("Base"), number="other", build={"image_type": "web"}))
    answer = api.send("POST", PATH, scope="write", json=IMAGE | change)
    assert answer.status_code == status
    assert words in answer.get_data(as_text=True)
    assert confirmed(api) == []


def test_a_token_of_another_project_confirms_nothing(api: Api):
    answer = api.send("POST", PATH, scope="write", project="edge", json=IMAGE)
    assert answer.status_code == 403
    assert confirmed(api) == []


def test_a_confirmed_image_follows_a_new_name(api: Api, command: Command):
    assert command("confirm", "aws", "rhel-9", "base", "--project", "core").stdout == (
        "core · aws · rhel-9 · base is confirmed.\n"
    )
    assert command("rename", "os-version", "rhel-9", "rhel-9.4").exit_code == 0
    assert confirmed(api) == [IMAGE | {"os_version": "rhel-9.4"}]
    assert "rhel-9.4" in command("confirm").stdout
    undone = command("confirm", "aws", "rhel-9", "base", "--project", "core", "--undo")
    assert undone.stdout == "core · aws · rhel-9 · base is no longer confirmed.\n"
    assert confirmed(api) == []


def test_a_confirmation_is_in_the_audit_trail(api: Api, url: str):
    api.send("POST", PATH, scope="write", json=IMAGE)
    api.send("DELETE", PATH, scope="write", query_string=IMAGE)
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT action, before, after FROM audit WHERE target_kind = 'image' ORDER BY id"
        ).fetchall()
    assert rows == [("image.confirm", None, IMAGE), ("image.take_back", IMAGE, None)]
