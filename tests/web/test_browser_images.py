"""The pages of nights, images and trends in a real browser, over two weeks of one image."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import chromium, page_of, serious
from tests.support.receivers import Running, started
from tests.support.senders import envelope, manifest

WEB = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "web"}
IMAGE = "/images/core/aws/rhel-9/web"
PATHS = ["/", "/images", IMAGE, "/builds/web-0", "/failures", "/trends", "/trends?platform=aws"]
FOUR_K, PHONE, TABLET = (3840, 2160), (360, 800), (768, 1024)
FAILURE = {"type": "p", "message": "no route to host 10.0.0.1", "component": "ansible"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        for days in range(12, -1, -1):
            assert running.post(night(days)).status_code == 202
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def night(days: int) -> dict[str, Any]:
    """A build of so many days ago; the last one failed."""
    began = datetime.now(UTC) - timedelta(days=days, hours=2)
    events: list[dict[str, Any]] = []
    for place, name in enumerate(["Base configuration", "Security baseline", "Application"]):
        at = (began + timedelta(minutes=20 * place)).isoformat()
        events.append({"kind": "stage", "stage": name, "status": "started", "at": at})
    end = {"kind": "build", "at": (began + timedelta(minutes=60 + days)).isoformat()}
    last = {"status": "completed"} if days else {"status": "failed", "failure": FAILURE}
    ids = f"eu-central-1:ami-0e{days:03},us-east-1:ami-0u{days:03}"
    made = {"manifest": manifest({"builder_type": "amazon-ebs", "artifact_id": ids})}
    number = f"web-{days}"
    return envelope(
        *events, end | last, number=number, run=number, build=WEB, **(made if days else {})
    )


def opened(page: Page, address: str) -> None:
    """Open a page with everything that is folded."""
    page.goto(address)
    page.evaluate("document.querySelectorAll('main details').forEach((each) => each.open = true)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [FOUR_K, TABLET, PHONE], ids=["4k", "tablet", "phone"])
def test_pages_are_accessible_and_fit_with_all_that_is_folded_open(
    browser: Browser, receiver: Running, size: tuple[int, int], scheme: str
):
    found = {}
    with page_of(browser, size=size, scheme=scheme) as (page, complaints):
        for path in PATHS:
            opened(page, receiver.url + path)
            too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found[path] = serious(page) + ([f"{too_wide} px too wide"] if too_wide > 0 else [])
    assert {path: each for path, each in found.items() if each} == {}
    assert complaints == []


def test_artifacts_are_whole_on_a_phone(browser: Browser, receiver: Running):
    name = f"{'ubuntu-22-04-gpu-runner-' * 2}20261127"
    made = {"manifest": manifest({"builder_type": "googlecompute", "artifact_id": name})}
    ended = {"kind": "build", "status": "completed", "at": datetime.now(UTC).isoformat()}
    build = WEB | {"image_type": "gpu-runner", "platform": "gcp"}
    document = envelope(ended, number="gpu-1", run="gpu-1", build=build, **made)
    assert receiver.post(document).status_code in (200, 202)
    with page_of(browser, size=PHONE) as (page, _):
        for path in ("/images", IMAGE, "/builds/web-3"):
            page.goto(receiver.url + path)
            for text in page.locator("main code, main button.id").all():
                if text.is_visible():
                    box = text.bounding_box()
                    assert box
                    assert box["x"] + box["width"] <= PHONE[0], path


def test_the_lines_to_use_an_image_are_opened_and_copied_with_the_keyboard(
    browser: Browser, receiver: Running
):
    with page_of(browser) as (page, _):
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.goto(receiver.url + IMAGE)
        page.locator("#use-1 > summary").focus()
        page.keyboard.press("Enter")
        page.evaluate(
            "document.addEventListener('copy',"
            " () => { document.title = document.getSelection().toString(); })"
        )
        page.get_by_role("button", name="Copy the lines for Shell, eu-central-1").press("Enter")
        expect(page.get_by_text("Copied").first).to_be_visible()
        assert page.title().startswith("curl -fsS")


def test_the_charts_have_tables_without_scripts_and_on_paper(browser: Browser, receiver: Running):
    with page_of(browser, scripts=False) as (page, _):
        page.goto(receiver.url + IMAGE)
        page.locator("#numbers > summary").click()
        expect(page.locator("#numbers tbody tr")).to_have_count(13)
        page.emulate_media(media="print")
        expect(page.get_by_role("heading", name="Duration")).to_be_visible()
        expect(page.locator("svg.chart").first).to_be_visible()
        expect(page.locator("header.top")).to_be_hidden()


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[Running]:
    """A night that ended two hours ago: one image failed, which is acknowledged, one did not
    start."""
    begin, end = (f"{datetime.now(UTC) - timedelta(hours=hours):%H:%M}" for hours in (6, 2))
    file = tmp_path / "projects.toml"
    file.write_text(f'[project."core"]\nwindow = "{begin}-{end} UTC"\n')
    tmp_path.chmod(0o755)
    with started(MILEPOST_PROJECTS=str(file)) as running:
        for hours in (51, 27, 3):
            at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
            for name in ("bad", "gone"):
                is_bad = name == "bad" and hours == 3
                verdict = {"status": "failed", "failure": FAILURE} if is_bad else {}
                ended = {"kind": "build", "status": "completed", "at": at} | verdict
                number = f"{name}-{hours}"
                build = WEB | {"image_type": name}
                if is_bad or hours > 3:
                    running.post(envelope(ended, number=number, run=number, build=build))
        headers = {"Authorization": f"Bearer {running.token('write')}"}
        api = f"{running.url}/api/v1/failures"
        (failure,) = requests.get(api, headers=headers, timeout=30).json()["items"]
        path = f"{api}/{failure['id']}/resolve"
        requests.post(path, json={}, headers=headers, timeout=30).raise_for_status()
        yield running


def test_what_needs_somebody_is_accessible_and_is_on_paper(browser: Browser, troubled: Running):
    for scheme in ("light", "dark"):
        with page_of(browser, scheme=scheme) as (page, _):
            page.goto(troubled.url)
            expect(page.locator(".group.acknowledged")).to_be_visible()
            expect(page.locator("#missing")).to_be_visible()
            assert serious(page) == []
            page.emulate_media(media="print")
            expect(page.locator(".group.acknowledged summary")).to_be_visible()
            expect(page.locator("#missing summary")).to_be_visible()
