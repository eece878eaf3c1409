"""Builds whose numbers a path cannot have, and numbers that are none."""

import re

import pytest
from flask.testing import FlaskClient

from tests.support.senders import envelope, post, stage

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}


@pytest.mark.parametrize("number", [".", ".."])
def test_a_number_that_is_a_step_of_a_path_has_an_address_with_a_query(
    client: FlaskClient, number: str
):
    document = envelope(stage("Base"), number=number, build=OF)
    assert post(client, document).status_code == 202
    assert f'href="/build?build_number={number}"' in client.get("/builds").text
    assert f'href="/build?build_number={number}"' in client.get("/").text
    text = client.get(f"/build?build_number={number}").text
    assert f"<h1><bdi>{number}</bdi></h1>" in text
    (twin,) = set(re.findall(r'href="(/build\.json[^"]*)"', text))
    assert client.get(twin).get_json()["build_number"] == number


def test_other_numbers_keep_their_path_and_have_the_query_too(client: FlaskClient):
    assert post(client, envelope(stage("Base"), number="n-1", build=OF)).status_code == 202
    assert 'href="/builds/n-1"' in client.get("/builds").text
    assert client.get("/build?build_number=n-1").status_code == 200
    assert client.get("/build").status_code == 404
    assert client.get("/build?build_number=none").status_code == 404


@pytest.mark.parametrize("part", ["", "/checks", "/lineage", "/revocation"])
def test_a_number_with_a_nul_is_no_build_and_no_defect(
    client: FlaskClient, capfd: pytest.CaptureFixture[str], part: str
):
    assert client.get(f"/api/v1/builds/%00{part}").status_code == 404
    assert "unexpected" not in capfd.readouterr().out
