"""Which artifact of the served builds is served: regions, selectors, ids."""

import pytest
from flask.testing import FlaskClient

from tests.support.senders import Json, at, envelope, manifest, post, verdict
from tests.support.served import (
    OF,
    PATH,
    Report,
    ami,
    client,
    image,
    projects,
    report,
    why,
)

__all__ = ["client", "projects", "report"]  # fixtures


def test_artifacts_of_one_region_are_told_apart(client: FlaskClient, report: Report):
    report(
        "n-1",
        10,
        ami("ami-arm", name="rhel9-arm64", custom_data={"edition": "free"}),
        ami("ami-x86", name="rhel9-x86_64", custom_data={"edition": "paid"}),
    )
    answer = client.get(f"{PATH}?region=us-1&format=text")
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {
        "name": ["Say one of rhel9-arm64, rhel9-x86_64."],
        "arch": ["Say one of arm64, x86_64."],
        "custom.edition": ["Say one of free, paid."],
    }
    for query in ("name=rhel9-arm64", "name=*arm64", "arch=aarch64", "custom.edition=free"):
        assert image(client, query) == "ami-arm", query
    assert "arch is arm64, x86_64" in why(client, "arch=s390x")
    assert "custom.edition is free, paid" in why(client, "custom.edition=x")
    rows = client.get("/api/v1/images?arch=arm64&region=us-1").get_json()["items"]
    assert [row["artifact_id"] for row in rows] == ["ami-arm"]


def test_artifacts_that_only_their_ids_tell_apart_are_listed_by_them(
    client: FlaskClient, report: Report
):
    ids = ("gold-2022-eu", "gold-2022-us")
    report("n-1", 10, *({"builder_type": "googlecompute", "artifact_id": each} for each in ids))
    answer = client.get(f"{PATH}?format=text")
    assert answer.get_json()["errors"] == {"name": ["Say one of gold-2022-eu, gold-2022-us."]}
    assert image(client, "name=gold-*-eu") == "gold-2022-eu"


def test_secret_is_no_choice(client: FlaskClient, report: Report):
    entries = [ami(f"ami-{n}", custom_data={"admin_password": f"hunter{n}"}) for n in (1, 2)]
    report("n-1", 10, *entries)
    answer = client.get(PATH)
    assert answer.get_json()["errors"] == {"name": ["Say one of ami-1, ami-2."]}
    assert "hunter" not in answer.text + why(client, "custom.admin_password=x")


def test_selector_looks_behind_a_newer_build_that_lacks_it(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-arm", name="arm64"), ami("ami-1", name="amd64"))
    report("n-2", 20, ami("ami-2", name="amd64"))
    answer = client.get(f"{PATH}?arch=arm64").get_json()
    assert (answer["artifact_id"], answer["behind"]) == ("ami-arm", 1)


FILE = [{"name": "rhel9.qcow2", "size": 5}]


@pytest.mark.parametrize(
    ("entry", "served"),
    [
        ({"artifact_id": "VM", "builder_type": "qemu", "files": FILE}, "rhel9.qcow2"),
        ({"artifact_id": "", "builder_type": "qemu", "files": FILE}, "rhel9.qcow2"),
        ({"artifact_id": "libvirt", "builder_type": "qemu", "files": FILE}, "rhel9.qcow2"),
        ({"artifact_id": "Container", "builder_type": "docker"}, None),
        ({"artifact_id": "Null", "builder_type": "null"}, None),
        ({"artifact_id": "{}", "builder_type": "amazon-ebs"}, None),
        ({"artifact_id": "UNKNOWN ID", "builder_type": "azure-arm"}, None),
        ({"artifact_id": "Published metadata to HCP Packer", "builder_type": "x"}, None),
        ({"artifact_id": "Windows 2022", "builder_type": "vsphere-iso"}, "Windows 2022"),
        ({"artifact_id": "900", "builder_type": "proxmox-iso"}, "900"),
    ],
)
def test_served_id_is_one_that_a_program_can_use(
    client: FlaskClient, report: Report, entry: Json, served: str | None
):
    report("n-1", 10, entry)
    assert image(client) == served
    if served is None:
        assert "has no id" in why(client)
    page = client.get("/images").text
    assert ("no id" in page) == (served is None)


def test_one_of_several_files_is_selected_by_its_name(client: FlaskClient, report: Report):
    files = [{"name": "box.ovf", "size": 1}, {"name": "box.vmdk", "size": 2}]
    report("n-1", 10, {"artifact_id": "VM", "builder_type": "virtualbox-iso", "files": files})
    answer = client.get(f"{PATH}?format=text")
    assert answer.get_json()["errors"] == {"name": ["Say one of box.ovf, box.vmdk."]}
    assert image(client, "name=*.ovf") == "box.ovf"


def test_each_region_says_its_build_and_how_far_it_is_behind(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"), ami("ami-eu", "eu-1"))
    report("n-2", 20, ami("ami-2"))
    report("n-3", 30, ami("ami-3"))
    rows = client.get("/api/v1/images").get_json()["items"]
    assert {(row["region"], row["build_number"], row["behind"]) for row in rows} == {
        ("us-1", "n-3", 0),
        ("eu-1", "n-1", 2),
    }
    headers = client.get(f"{PATH}?region=eu-1&format=text").headers
    assert (headers["Milepost-Build-Number"], headers["Milepost-Behind"]) == ("n-1", "2")
    assert int(headers["Milepost-Age-Seconds"]) > 0
    assert "2 behind" in client.get("/images").text


def test_complete_takes_one_build_in_all_its_usual_regions(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"), ami("ami-eu1", "eu-1"), ami("ami-ap", "ap-1"))
    report("n-2", 20, ami("ami-2"), ami("ami-eu2", "eu-1"))
    report("n-3", 30, ami("ami-3"))
    for query, served in (
        ("region=us-1", "ami-3"),
        ("region=us-1&complete=1", "ami-2"),
        ("region=eu-1&complete=1", "ami-eu2"),
    ):
        assert image(client, query) == served
    rows = client.get("/api/v1/images?complete=1").get_json()["items"]
    assert {row["build_number"] for row in rows} == {"n-2"}
    assert "there are ap-1, eu-1, us-1" in why(client, "region=mars&complete=1")


def test_complete_is_404_where_no_build_has_all_regions(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-eu", "eu-1"))
    report("n-2", 20, ami("ami-2"))
    assert "No served build has all usual regions (eu-1, us-1)" in why(
        client, "complete=1&region=us-1"
    )


def test_names_with_slashes_are_reached_by_the_query_form(client: FlaskClient, report: Report):
    names = {"project": "gl/images", "platform": "aws/gov", "os_version": "Ubuntu 24.04"}
    report("n-1", 10, ami("ami-1"), of=names)
    query = {**OF, **names}
    answer = client.get("/api/v1/image", query_string=query | {"format": "text"})
    assert answer.text == "ami-1\n"
    encoded = "aws%2Fgov/Ubuntu%2024.04/web"
    assert client.get(f"/api/v1/images/{encoded}?format=text").text == "ami-1\n"
    assert client.get("/api/v1/images/aws%2Fgov/Ubuntu%2024.04/x?format=text").status_code == 404
    for path in (f"gl%2Fimages/{encoded}.svg", "gl%2Fimages.json"):
        assert client.get(f"/badge/{path}").status_code == 200
    for path in ("/badge.svg", "/image"):
        assert client.get(path, query_string=query).status_code == 200
    assert client.get("/badge.json?project=gl/images").get_json()["message"] == "1/1 good"
    assert "ami-1" in client.get("/image", query_string=query).text
    assert "ami-1" not in client.get("/image", query_string=query | {"project": "x"}).text
    assert "/badge.svg?project=gl/images" in client.get("/builds/n-1").text.replace("%2F", "/")
    assert client.get("/api/v1/image?platform=aws").status_code == 422
    assert client.get("/badge.svg").status_code == 404


@pytest.mark.parametrize("query", ["inferred=yes", "complete=2", "custom.=x", "arch=a&arch=b"])
def test_wrong_selector_is_422(client: FlaskClient, query: str):
    assert client.get(f"{PATH}?{query}").status_code == 422


@pytest.mark.parametrize("has_manifest", [True, False])
def test_image_of_a_fixed_name_stays_after_the_build_ran_again(
    client: FlaskClient, has_manifest: bool
):
    made = {"kind": "artifact", "at": at(5), "artifact": {"artifact_id": "us-1:ami-1"}}
    listed = {"manifest": manifest(ami("ami-1", builder_type="amazon-ebs"))}
    for number in (1, 2):
        events = (verdict("completed", 10 * number), *(() if has_manifest else (made,)))
        more = listed if has_manifest else {}
        said = envelope(*events, number="n-1", run=f"run-{number}", build=OF, **more)
        assert post(client, said).status_code == 202
        assert image(client) in ("ami-1", "us-1:ami-1")


def test_list_has_no_row_without_an_id(client: FlaskClient, report: Report):
    nameless = {"artifact_id": "", "builder_type": "qemu"}
    report("n-1", 10, nameless | {"files": [{"name": "disk.qcow2", "size": 1}]})
    report("n-2", 20, nameless, of={"image_type": "db"})
    rows = client.get("/api/v1/images").get_json()["items"]
    assert [(row["build_number"], row["artifact_id"]) for row in rows] == [("n-1", "disk.qcow2")]
