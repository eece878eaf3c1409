"""Which builds are served as images, and which artifact of them."""

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.senders import START, Json, at, envelope, manifest, post, stage, verdict

OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
PATH = "/api/v1/images/aws/rhel-9/web"
Report = Callable[..., None]


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """The projects file, empty at first."""
    path = tmp_path / "projects.toml"
    path.write_text("")
    return path


@pytest.fixture
def client(serve: Callable[[Config], FlaskClient], config: Config, projects: Path) -> FlaskClient:
    """Requests to a public receiver with a projects file."""
    return serve(replace(config, projects=projects))


@pytest.fixture
def report(client: FlaskClient) -> Report:
    """A completed build with the entries of its manifest. `of` replaces dimensions, None leaves one
    out; `names` are the raw names that it reports, `word` is the CI's own for its end."""

    def send(
        number: str,
        minutes: float,
        *entries: Json,
        run: Json | None = None,
        of: Json | None = None,
        names: Json | None = None,
        word: str = "",
    ) -> None:
        made = [{"builder_type": "amazon-ebs", "name": None, **each} for each in entries]
        build = {name: text for name, text in (OF | (of or {})).items() if text}
        failure = {"failure": {"type": "build", "message": f"The CI's own word: {word}"}}
        said = envelope(
            verdict("completed", minutes, **(failure if word else {})),
            number=number,
            run=number,
            run_more=run or {},
            build=build | ({"names": names} if names else {}),
            manifest=manifest(*made, run_uuid=number),
        )
        assert post(client, said).status_code == 202

    return send


def ami(artifact_id: str, region: str = "us-1", **more: Any) -> Json:
    """Return an entry of a manifest."""
    return {"artifact_id": f"{region}:{artifact_id}", **more}


def set_projects(path: Path, text: str) -> None:
    """Change the file so that the receiver reads it again."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def image(client: FlaskClient, query: str = "") -> str | None:
    """Return the image as a shell gets it; None where there is none."""
    answer = client.get(f"{PATH}?format=text&{query}")
    assert answer.status_code in (200, 404), answer.text
    return answer.text.strip() if answer.status_code == 200 else None


def why(client: FlaskClient, query: str = "", path: str = PATH) -> str:
    """Return the words of a 404."""
    answer = client.get(f"{path}?format=text&{query}")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    detail: str = answer.get_json()["detail"]
    return detail


MAIN = {"branch": "main", "default_branch": "main"}


@pytest.mark.parametrize(
    "run",
    [
        MAIN,
        {"branch": "refs/heads/main", "default_branch": "main"},
        {"branch": "origin/main", "default_branch": "main"},
        {"branch": "topic"},
        {"default_branch": "main"},
        {},
    ],
)
def test_build_of_the_default_branch_is_served_and_all_where_nobody_tells_it(
    client: FlaskClient, report: Report, run: Json
):
    report("n-1", 10, ami("ami-1"), run=run)
    assert image(client) == "ami-1"


def test_build_of_another_branch_does_not_replace_the_image(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"), run=MAIN)
    report("n-2", 20, ami("ami-2"), run=MAIN | {"branch": "topic"})
    assert image(client) == "ami-1"
    (row,) = client.get("/images.json").get_json()["unserved"]
    assert (row["build_number"], row["reason"], row["branch"]) == ("n-2", "branch", "topic")


@pytest.mark.parametrize("run", [{"pull_request": "7"}, {"pull_request": "7", "branch": "main"}])
def test_build_of_a_pull_request_is_never_served(
    client: FlaskClient, report: Report, projects: Path, run: Json
):
    set_projects(projects, '[project."*"]\nserve_branches = ["*"]\n')
    report("n-1", 10, ami("ami-1"), run=run)
    assert image(client) is None


def test_project_names_the_branches_that_are_served(
    client: FlaskClient, report: Report, projects: Path
):
    report("n-1", 10, ami("ami-1"), run=MAIN)
    report("n-2", 20, ami("ami-2"), run=MAIN | {"branch": "release/9_1"})
    report("n-3", 30, ami("ami-3"), run=MAIN | {"branch": "release-9"})
    for patterns, served in (
        ('"release/*"', "ami-2"),
        ('"release/9_?"', "ami-2"),
        ('"release_9"', None),
        ('"main"', "ami-1"),
        ('"*"', "ami-3"),
    ):
        set_projects(projects, f"[project.core]\nserve_branches = [{patterns}]\n")
        assert image(client) == served, patterns


@pytest.mark.parametrize(
    ("run", "marks", "words"),
    [
        (MAIN, {}, None),
        (MAIN | {"branch": "topic"}, {}, "branch is topic and the default branch is main"),
        ({"pull_request": "7"}, {}, "pull or merge request 7"),
        (MAIN, {"word": "unstable"}, "Jenkins calls it UNSTABLE"),
    ],
)
def test_page_of_a_build_says_why_its_image_is_not_served(
    client: FlaskClient, report: Report, run: Json, marks: Json, words: str | None
):
    report("n-1", 10, ami("ami-1"), run=run, **marks)
    page = client.get("/builds/n-1").text
    assert ("Its image is not served" in page) == bool(words)
    assert words is None or words in page


def test_settings_of_a_project_hold_for_those_below_it_and_by_its_old_name(
    client: FlaskClient, report: Report, projects: Path, command: Callable[..., Any], url: str
):
    set_projects(projects, '[project.top]\nserve_branches = ["topic"]\n')
    report("n-1", 10, ami("ami-1"), run=MAIN | {"branch": "topic"})
    assert image(client) is None
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO projects (name) VALUES ('top')")
        connection.execute(
            "UPDATE projects SET parent_project_id = (SELECT id FROM projects WHERE name = 'top') "
            "WHERE name = 'core'"
        )
    assert image(client) == "ami-1"
    assert command("rename", "project", "top", "summit").exit_code == 0
    assert image(client) == "ami-1"


def test_build_that_says_two_values_is_not_served(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"))
    report("n-2", 20, ami("ami-2"))
    other = envelope(stage("Base"), number="n-2", run="n-2", build={"os_version": "rhel-8"})
    assert post(client, other).status_code == 202
    assert image(client) == "ami-1"
    (row,) = client.get("/images.json").get_json()["unserved"]
    assert "os_version is rhel-8 and rhel-9" in row["why"]


def test_unstable_build_is_served_only_where_the_project_says_so(
    client: FlaskClient, report: Report, projects: Path
):
    report("n-1", 10, ami("ami-1"), word="unstable")
    assert 'unstable = "completed" in [project."core"]' in why(client)
    set_projects(projects, '[project.core]\nunstable = "completed"\n')
    assert image(client) == "ami-1"


GUESS = {"of": {"os_version": None}, "names": {"target": "amazon-ebs.rhel9"}}


def test_inferred_image_is_served_only_when_asked_for(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"), **GUESS)
    assert "os_version is inferred from the target" in why(client)
    assert "inferred=1" in why(client)
    assert image(client, "inferred=1") == "ami-1"
    assert client.get(f"{PATH}?inferred=1").get_json()["inferred"] == {"os_version": "target"}


def test_inferred_image_is_served_once_it_is_confirmed(
    client: FlaskClient, report: Report, command: Callable[..., Any]
):
    report("n-1", 10, ami("ami-1"), **GUESS)
    line = re.search(r"run: milepost (.*?)\. Or", why(client))
    assert line
    for more, served in (((), "ami-1"), (("--undo",), None)):
        assert command(*shlex.split(line[1]), *more).exit_code == 0
        assert image(client) == served
        assert (client.get("/images.json").get_json()["unserved"] == []) == bool(served)


def test_inferred_image_never_replaces_a_stated_one(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"))
    report("n-2", 20, ami("ami-2"), ami("ami-eu", "eu-1"), **GUESS)
    assert image(client, "inferred=1") == image(client) == "ami-1"
    assert image(client, "region=eu-1&inferred=1") == "ami-eu"
    assert image(client, "region=eu-1") is None


def test_platform_by_the_type_of_the_builder_is_stated(client: FlaskClient, report: Report):
    report("n-1", 10, ami("ami-1"), of={"platform": None})
    path = "/api/v1/images/amazon-ebs/rhel-9/web?format=text"
    assert client.get(path).text == "ami-1\n"


@pytest.mark.parametrize("name", ["os_version", "image_type", "platform"])
def test_unknown_is_no_image(client: FlaskClient, report: Report, name: str):
    report("n-1", 10, ami("ami-1"), of={name: "unknown"})
    names = OF | {name: "unknown"}
    path = "/api/v1/images/{platform}/{os_version}/{image_type}".format_map(names)
    assert "[[default]]" in why(client, path=path)
    assert client.get("/api/v1/images").get_json()["items"] == []
    shown = client.get("/images.json").get_json()
    assert [row["reason"] for row in shown["unserved"]] == ["unknown"]


def test_unnamed_builds_are_no_combination_of_overview_and_badges(
    client: FlaskClient, report: Report
):
    report("n-1", 10, ami("ami-1"), of={"os_version": "unknown"})
    shown = client.get("/overview.json").get_json()
    assert (shown["latest"], shown["expected"]["count"]) == ([], 0)
    assert client.get("/badge/core/aws/unknown/web.svg").status_code == 404
    assert client.get("/badge/core.svg").status_code == 404


def test_builds_that_nobody_names_are_not_compared(client: FlaskClient, report: Report):
    for place in range(3):
        report(f"n-{place}", 10 * place, ami(f"ami-{place}"), of={"image_type": "unknown"})
        report(f"web-{place}", 10 * place, ami(f"ami-{place}"))
    assert 'rel="prev"' in client.get("/builds/web-1").text
    page = client.get("/builds/n-1").text
    assert 'rel="prev"' not in page
    assert "Compared with the last good build" not in page
    rows = client.get("/api/v1/stats/combinations").get_json()["items"]
    assert [row["image_type"] for row in rows] == ["web"]


def test_end_in_the_future_is_not_the_newest_for_ever(client: FlaskClient, report: Report):
    report("n-1", 4_000_000_000, ami("ami-1"))
    assert client.get(PATH).get_json()["age_seconds"] in range(600)
    now = (datetime.now(UTC) - START).total_seconds() / 60
    report("n-2", now, ami("ami-2"))
    assert image(client) == "ami-2"
    late = envelope(stage("Base", minutes=1), number="n-1", build=OF)
    assert post(client, late | {"build": OF | {"number": "n-1"}}).status_code == 202
    assert image(client) == "ami-2"  # a late delivery makes n-1 no newer


def test_builds_in_the_future_do_not_push_others_out(client: FlaskClient, report: Report, url: str):
    report("good", 10, ami("ami-good"))
    for place in range(12):
        report(f"n-{place}", 4_000_000_000, ami(f"ami-{place}", "eu-1"))
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE builds SET created_at = '2025-01-01', last_heard_at = '2025-01-01' WHERE future"
        )
    assert image(client) == "ami-good"


def test_build_that_never_ran_and_pull_request_leave_the_last_build_on_grid_and_badge(
    client: FlaskClient, report: Report
):
    report("n-1", 10, ami("ami-1"), run=MAIN)
    report("n-2", 20, ami("ami-2"), run={"pull_request": "7"})
    never = envelope(verdict("cancelled", 30), number="n-3", run="n-3", build=OF)
    assert post(client, never).status_code == 202
    (cell,) = client.get("/overview.json").get_json()["latest"]
    assert cell["build_number"] == "n-1"
    assert "completed" in client.get("/badge/core/aws/rhel-9/web.json").get_json()["message"]
    begun = envelope(stage("Base", minutes=30), verdict("cancelled", 40), number="n-4", run="n-4")
    assert post(client, begun | {"build": OF | {"number": "n-4"}}).status_code == 202
    (cell,) = client.get("/overview.json").get_json()["latest"]
    assert cell["build_number"] == "n-4"


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


def test_custom_data_of_two_images_in_one_build_is_a_conflict(client: FlaskClient):
    entries = [
        ami(name, region, name=name, builder_type="amazon-ebs", custom_data={"os_version": name})
        for name, region in (("rhel-8", "us-1"), ("rhel-9", "eu-1"))
    ]
    build = {name: text for name, text in OF.items() if name != "os_version"}
    said = envelope(verdict("completed"), number="n-1", build=build, manifest=manifest(*entries))
    assert post(client, said).status_code == 202
    assert image(client, "region=us-1") is None
    assert "rhel-8" in why(client)
