"""The page of one image: its bars, durations, stages, failures by cause, and the lines to copy."""

import re
from itertools import pairwise

from flask.testing import FlaskClient

from receiver.web.pages import image_charts
from tests.support.senders import envelope, manifest, post, stage, verdict

PAGE = "/images/core/aws/rhel-9/web"
WEB = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}


def build(client: FlaskClient, number: int, minutes: float, *, good: bool = True) -> None:
    """A build that began so many days after the first one, and took so many minutes."""
    began = number * 1_440
    failure = {"type": "t", "message": f"no route to host 10.0.0.{number}", "component": "ansible"}
    end = began + minutes
    last = verdict("completed", end) if good else verdict("failed", end, failure=failure)
    steps = [
        stage("Base configuration", "started", began),
        stage("Base configuration", "completed", began + minutes / 4),
        stage("Hardening", "started", began + minutes / 4),
    ]
    built = {"builder_type": "amazon-ebs", "artifact_id": f"us-1:ami-0{number}"}
    more = {"manifest": manifest(built)} if good else {}
    document = envelope(*steps, last, number=f"w-{number}", run=f"r-{number}", build=WEB, **more)
    assert post(client, document).status_code == 202


def test_page_has_bars_durations_stages_and_failures_by_cause(client: FlaskClient):
    for number in range(35):
        build(client, number, 40 + number, good=number not in (20, 33))
    page = client.get(PAGE).text
    bars = page.partition('<svg class="history"')[2].partition("</svg>")[0]
    assert bars.count("<a href=") == 30
    assert 'aria-label="w-34, completed, 1 h 14 min"' in bars
    dots = page.partition('aria-labelledby="durations-title"')[2].partition("</svg>")[0]
    assert dots.count('class="dot good"') == 33
    assert dots.count('class="dot failed"') == 2
    columns = page.partition('aria-labelledby="stages-title"')[2].partition("</svg>")[0]
    assert columns.count('class="stage-1"') == 30
    causes = page.partition('id="causes"')[2]
    assert "no route to host 10.0.0.33" in causes
    assert re.search(r'data-label="Failures">2</td>', causes)


def test_json_has_the_builds_the_causes_and_the_stages(client: FlaskClient):
    for number in range(3):
        build(client, number, 40, good=number != 2)
    found = client.get(f"{PAGE}.json").get_json()
    assert [(row["build_number"], row["status"]) for row in found["builds"]] == [
        ("w-0", "completed"),
        ("w-1", "completed"),
        ("w-2", "failed"),
    ]
    (cause,) = found["causes"]
    assert (cause["count"], cause["builds"], cause["build_number"]) == (1, 1, "w-2")
    assert found["stages"][:2] == [
        {"build_number": "w-0", "stage": "Base configuration", "seconds": 600.0},
        {"build_number": "w-0", "stage": "Hardening", "seconds": 1_800.0},
    ]


def test_page_has_the_lines_for_a_shell_packer_and_terraform_with_a_working_address(
    client: FlaskClient,
):
    build(client, 1, 40)
    page = client.get(PAGE).text
    addresses = set(
        re.findall(r"https?://localhost/api/v1/image\?[^\"'&]+(?:&amp;[^\"'&]+)*", page)
    )
    (address,) = {each.replace("&amp;", "&").removesuffix("&#34;") for each in addresses}
    assert client.get(address.removeprefix("http://localhost")).text.strip() == "ami-01"
    assert "curl -fsS -H" in page
    assert "data &#34;http&#34;" in page
    assert "self.status_code == 200" in page
    assert "ami = &#34;ami-01&#34;" in page


def test_page_leads_to_json_badge_and_feed_of_the_image(client: FlaskClient):
    build(client, 1, 40)
    foot = client.get(PAGE).text.partition('<footer class="foot')[2]
    links = [each.replace("&amp;", "&") for each in re.findall(r'href="(/[^"]+)"', foot)]
    found = {link.partition("?")[0]: client.get(link) for link in links[:3]}
    assert set(found) == {"/image.json", "/badge.svg", "/feed.atom"}
    assert all(answer.status_code == 200 for answer in found.values())
    assert "w-1" in found["/feed.atom"].text


def test_builds_of_pull_requests_are_no_part_of_the_history(client: FlaskClient):
    build(client, 1, 40)
    other = envelope(
        verdict("failed", 5_000), number="pr-1", run="pr", build=WEB, run_more={"pull_request": "7"}
    )
    assert post(client, other).status_code == 202
    assert [row["build_number"] for row in client.get(f"{PAGE}.json").get_json()["builds"]] == [
        "w-1"
    ]


def test_median_and_90th_percentile_are_those_of_good_builds():
    rows = [
        {"status": "completed", "condition": None, "duration_seconds": seconds}
        for seconds in (100, 200, 300, 400, 500)
    ]
    failed = {"status": "failed", "condition": None, "duration_seconds": 1_000}
    chart = image_charts.durations([*rows, failed])
    assert chart
    assert (chart.median_seconds, chart.p90_seconds, chart.top) == (300, 460, 1_000)
    assert (chart.median_y, chart.p90_y) == (70, 54)
    assert [dot.word for dot in chart.dots] == ["good"] * 5 + ["failed"]
    assert image_charts.durations([rows[0], failed]) is None


def test_stages_of_a_column_stand_on_each_other_and_the_short_ones_are_one():
    names = [f"Stage {place}" for place in range(9)]
    rows = [
        {"build_number": number, "stage": name, "seconds": 10.0 if place > 6 else 100.0}
        for number in ("a", "b")
        for place, name in enumerate(names)
    ]
    chart = image_charts.stages(rows)
    assert chart
    parts = chart.columns[0].parts
    assert [part.stage for part in parts] == [*names[:7], "others"]
    assert parts[-1].seconds == 20
    assert parts[0].y + parts[0].height == 100
    assert all(part.y == after.y + after.height for part, after in pairwise(parts))
    assert parts[-1].y == 0
    assert image_charts.stages(rows[:9]) is None
