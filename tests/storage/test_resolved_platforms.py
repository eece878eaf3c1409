"""A build that states no platform is of the only one that its image has."""

from flask.testing import FlaskClient

from tests.support.senders import Json, at, envelope, get_build, manifest, post, stage, verdict

IMAGE = {"project": "core", "os_version": "rhel-9", "image_type": "base"}
FAILURE = {"type": "builder", "message": "no capacity"}


def made(client: FlaskClient, number: str, builder: str, minutes: float, **of: str) -> None:
    """Report a build that gets its platform from its manifest's builder."""
    entry = {"builder_type": builder, "artifact_id": f"us-1:ami-{number}"}
    said = envelope(
        verdict("completed", minutes),
        number=number,
        run=number,
        build=IMAGE | of,
        manifest=manifest(entry, run_uuid=number),
    )
    assert post(client, said).status_code == 202


def failed(client: FlaskClient, number: str, minutes: float, **of: str) -> None:
    """Report a build that fails before its manifest."""
    events = [
        stage("Build", "started", minutes),
        stage("Build", "failed", minutes + 1, failure=FAILURE),
        verdict("failed", minutes + 2),
    ]
    said = envelope(*events, number=number, run=number, build=IMAGE | of)
    assert post(client, said).status_code == 202


def cells(client: FlaskClient) -> list[Json]:
    """Return platform, build and status of each cell of the overview."""
    rows = client.get("/overview.json").get_json()["latest"]
    return [{name: row[name] for name in ("platform", "build_number", "status")} for row in rows]


def test_a_failure_before_the_manifest_is_on_the_cell_of_its_image(client: FlaskClient):
    made(client, "n-1", "amazon-ebs", 0)
    failed(client, "n-2", 100)
    assert cells(client) == [{"platform": "amazon-ebs", "build_number": "n-2", "status": "failed"}]
    (failure,) = client.get("/api/v1/failures").get_json()["items"]
    assert failure["platform"] == "amazon-ebs"
    listed = client.get("/api/v1/builds?platform=amazon-ebs").get_json()["items"]
    assert [each["build_number"] for each in listed] == ["n-2", "n-1"]
    badge = client.get("/badge/core/amazon-ebs/rhel-9/base.svg").text
    assert "failed" in badge
    build = get_build(client, "n-2")
    assert build["platform"] == "amazon-ebs"
    assert build["inferred"] == {"platform": "earlier builds"}


def test_the_order_of_arrival_does_not_matter(client: FlaskClient):
    failed(client, "n-2", 100)
    assert cells(client) == [{"platform": "unknown", "build_number": "n-2", "status": "failed"}]
    made(client, "n-1", "amazon-ebs", 0)
    assert {row["platform"] for row in cells(client)} == {"amazon-ebs"}


def test_two_platforms_resolve_nothing(client: FlaskClient):
    made(client, "n-1", "amazon-ebs", 0)
    made(client, "n-2", "azure-arm", 10)
    failed(client, "n-3", 100)
    assert get_build(client, "n-3")["platform"] == "unknown"
    assert len(cells(client)) == 3


def test_another_project_system_or_type_resolves_nothing(client: FlaskClient):
    made(client, "n-1", "amazon-ebs", 0)
    for number, of in (("p", {"project": "data"}), ("o", {"os_version": "rhel-8"})):
        failed(client, number, 100, **of)
        assert get_build(client, number)["platform"] == "unknown"
    failed(client, "t", 100, image_type="web")
    assert get_build(client, "t")["platform"] == "unknown"


def test_unknown_images_have_no_platform_in_common(client: FlaskClient):
    made(client, "n-1", "amazon-ebs", 0, os_version="unknown")
    failed(client, "n-2", 100, os_version="unknown")
    assert get_build(client, "n-2")["platform"] == "unknown"


def test_an_image_whose_platform_is_resolved_is_served_as_an_inferred_one(client: FlaskClient):
    made(client, "n-1", "amazon-ebs", 0)
    artifact = {"artifact_id": "ami-2", "region": "us-1"}
    event = {"kind": "artifact", "artifact": artifact, "at": at(100)}
    said = envelope(event, verdict("completed", 101), number="n-2", run="n-2", build=IMAGE)
    assert post(client, said).status_code == 202
    path = "/api/v1/images/amazon-ebs/rhel-9/base"
    assert client.get(path).get_json()["artifact_id"] == "ami-n-1"
    assert "n-2" in client.get("/images").text
    rows = client.get("/api/v1/images?inferred=1").get_json()["items"]
    assert {row["platform"] for row in rows} == {"amazon-ebs"}


def neighbours(client: FlaskClient, number: str) -> tuple[bool, bool]:
    """Return whether the page of a build links to one before and to one after it."""
    page = client.get(f"/builds/{number}").text
    return 'rel="prev"' in page, 'rel="next"' in page


def test_neighbours_and_statistics_of_a_build_are_those_of_its_resolved_platform(
    client: FlaskClient,
):
    made(client, "n-1", "amazon-ebs", 0)
    failed(client, "n-2", 100)
    made(client, "n-3", "amazon-ebs", 200)
    shown = {number: neighbours(client, number) for number in ("n-1", "n-2", "n-3")}
    assert shown == {"n-1": (False, True), "n-2": (True, True), "n-3": (True, False)}
    assert "/builds/n-1" in client.get("/builds/n-2").text
    (row,) = client.get("/api/v1/stats/combinations").get_json()["items"]
    assert (row["platform"], row["builds"], row["failed"]) == ("amazon-ebs", 3, 1)


def test_neighbours_and_statistics_stay_apart_where_nothing_resolves(client: FlaskClient):
    made(client, "n-1", "amazon-ebs", 0)
    made(client, "n-2", "azure-arm", 10)
    failed(client, "n-3", 100)
    failed(client, "n-4", 200, project="edge")
    assert neighbours(client, "n-3") == neighbours(client, "n-4") == (False, False)
    rows = client.get("/api/v1/stats/combinations").get_json()["items"]
    assert sorted((row["project"], row["platform"], row["builds"]) for row in rows) == [
        ("core", "amazon-ebs", 1),
        ("core", "azure-arm", 1),
        ("core", "unknown", 1),
        ("edge", "unknown", 1),
    ]
