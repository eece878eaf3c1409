"""`/images`: a row for each image, with all its regions, its age and what failed since."""

from flask.testing import FlaskClient

from tests.support.senders import envelope, manifest, post, stage, verdict

WEB = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
BASE = WEB | {"image_type": "base"}


def made(client: FlaskClient, number: str, ids: str, names: dict[str, str], minutes: float) -> None:
    built = manifest({"builder_type": "amazon-ebs", "artifact_id": ids})
    done = [stage("Base configuration", minutes=minutes), verdict("completed", minutes + 10)]
    document = envelope(*done, number=number, run=number, build=names, manifest=built)
    assert post(client, document).status_code == 202


def failed(client: FlaskClient, number: str, names: dict[str, str], minutes: float) -> None:
    events = [verdict("failed", minutes)]
    document = envelope(*events, number=number, run=number, build=names)
    assert post(client, document).status_code == 202


def test_an_image_is_one_row_with_its_regions_and_the_builds_that_failed_since(client: FlaskClient):
    made(client, "web-1", "eu-west-1:ami-0e1,us-east-1:ami-0u1", WEB, 0)
    made(client, "base-1", "eu-west-1:ami-0e2", BASE, 0)
    failed(client, "web-2", WEB, 100)
    failed(client, "web-3", WEB, 200)
    page = client.get("/images").text
    assert page.count('<td class="whole image">') == 2
    row = page[page.index("rhel-9</bdi> · <bdi>web") :].partition("</tr>")[0]
    assert "ami-0e1" in row
    assert "ami-0u1" in row
    assert 'href="/builds/web-3"' in row
    assert "2 failed" in row
    assert len(client.get("/images.json").get_json()["items"]) == 3


def test_a_long_id_is_shown_by_its_name_and_copied_whole(client: FlaskClient):
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/images"
    whole = f"{group}/providers/Microsoft.Compute/galleries/gold/images/rhel-9/versions/1.0.7"
    made(client, "web-1", whole, WEB, 0)
    for path in ("/images", "/"):
        text = client.get(path).text
        assert ">…/rhel-9/versions/1.0.7</button>" in text
        assert f'data-copy="{whole}"' in text


def test_the_text_and_the_names_of_the_address_filter_images_and_are_chips(client: FlaskClient):
    made(client, "web-1", "eu-west-1:ami-0e1", WEB, 0)
    made(client, "base-1", "eu-west-1:ami-0e2", BASE, 0)
    page = client.get("/images?q=rhel+ami-0e2").text
    assert "ami-0e2" in page
    assert "ami-0e1" not in page
    page = client.get("/images?image_type=web&q=core").text
    assert "ami-0e1" in page
    assert "ami-0e2" not in page
    assert 'aria-label="Remove the filter image type web"' in page
    assert "No image that is served fits" in client.get("/images?q=none").text


def test_further_images_are_on_further_pages_and_a_wrong_page_is_refused(client: FlaskClient):
    for number in range(151):
        made(client, f"b-{number}", "eu-west-1:ami-0e1", WEB | {"image_type": f"t-{number:03}"}, 0)
    first, second = client.get("/images").text, client.get("/images?page=2").text
    assert first.count('<td class="whole image">') == 150
    assert 'href="/images?page=2&amp;old=30"' in first
    assert "t-150" in second
    assert second.count('<td class="whole image">') == 1
    for wrong in ("0", "x", "-1"):
        assert client.get(f"/images?page={wrong}").status_code == 422
