"""The pages in a real browser, on a receiver as it runs."""

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.support.browser import NARROW, WIDE, chromium, page_of, serious, sign_in
from tests.support.every_page import visit
from tests.support.receivers import Running, started
from tests.support.senders import envelope, manifest, stage, verdict

EVIL = "<script>document.title='owned'</script>\u202egnp.exe"
OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}


@pytest.fixture(scope="module")
def begun() -> Iterator[Running]:
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def empty(browser: Browser, begun: Running) -> dict[str, list[str]]:
    """What is wrong with each page of a receiver that has heard nothing yet."""
    return visit(browser, begun, "light", NARROW)


@pytest.fixture(scope="module")
def receiver(begun: Running, empty: dict[str, list[str]]) -> Running:
    assert empty
    fill(begun)
    return begun


def fill(receiver: Running) -> None:
    """A good build, a failed one with a retry, one that runs, and one of a hostile sender."""
    good = manifest({"builder_type": "amazon-ebs", "artifact_id": "eu-central-1:ami-0a1"})
    steps = [stage("Base configuration", state=15), stage("Security baseline", minutes=9, state=25)]
    done = [*steps, stage("Odd step", minutes=20), verdict("completed", 30)]
    receiver.post(envelope(*done, number="core-1", run="r1", build=OF, manifest=good))
    failure = {"type": "provisioner", "message": f"no route {EVIL}", "component": "ansible"}
    failed = [*steps, verdict("failed", 12, failure=failure)]
    receiver.post(envelope(*failed, number="core-2", run="r2", build=OF))
    receiver.post(envelope(*steps, number="core-3", run="r3", build=OF | {"image_type": "web"}))
    evil = {"project": EVIL, "platform": "x" * 10_000, "os_version": EVIL, "image_type": EVIL}
    run = {"branch": EVIL, "commit": EVIL, "url": "javascript:alert(1)"}
    document = envelope(stage(EVIL), verdict("failed", failure=failure), number="evil", run="r4")
    receiver.post(document | {"build": document["build"] | evil, "run": document["run"] | run})
    receiver.run("rename", "platform", "aws", "aws-commercial")
    receiver.run("fail", "evil", EVIL, "--stage", "x" * 200)


def test_every_page_of_an_empty_receiver_is_accessible_quiet_and_fits(
    empty: dict[str, list[str]],
):
    assert {path: each for path, each in empty.items() if each} == {}


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", NARROW)])
def test_every_page_is_accessible_quiet_and_fits(
    browser: Browser, receiver: Running, scheme: str, size: tuple[int, int]
):
    found = visit(browser, receiver, scheme, size)
    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize("path", ["/", "/sign-in", "/setup", "/audit"])
def test_pages_for_readers_who_are_not_signed_in_are_accessible(
    browser: Browser, receiver: Running, path: str
):
    with page_of(browser, size=NARROW) as (page, _):
        page.goto(receiver.url + path)
        assert serious(page) == []


def test_open_page_shows_a_change_of_state(browser: Browser, receiver: Running):
    with page_of(browser) as (page, _):
        page.goto(f"{receiver.url}/builds/core-3")
        expect(page.locator("#live")).to_have_text("live", timeout=10_000)
        document = envelope(stage("Application", minutes=40, state=60), number="core-3", run="r3")
        receiver.post(document | {"build": document["build"] | OF | {"image_type": "web"}})
        expect(page.locator(".big")).to_have_text("60", timeout=10_000)
        assert "60" in page.title()


def test_hidden_page_does_not_poll(browser: Browser, receiver: Running):
    with page_of(browser) as (page, _):
        page.goto(receiver.url)
        expect(page.locator("#live")).to_have_text("live", timeout=10_000)
        page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
        asked: list[str] = []
        page.wait_for_timeout(300)
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_timeout(4500)
        assert asked == []


def test_pages_show_the_same_without_scripts(browser: Browser, receiver: Running):
    with page_of(browser, scripts=False) as (page, _):
        page.goto(receiver.url)
        page.get_by_role("link", name="core-3").first.click()
        expect(page.locator(".big")).to_be_visible()
        expect(page.get_by_role("heading", name="Timeline")).to_be_visible()


def test_the_keyboard_reaches_the_search_and_a_build(browser: Browser, receiver: Running):
    with page_of(browser) as (page, _):
        page.goto(receiver.url)
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to content")).to_be_focused()
        page.keyboard.press("/")
        page.keyboard.type("core-2")
        page.keyboard.press("Enter")
        page.wait_for_url("**/builds/core-2")
        expect(page.get_by_role("heading", name="core-2")).to_be_visible()


def test_a_menu_holds_the_navigation_on_a_phone(browser: Browser, receiver: Running):
    with page_of(browser, size=NARROW, scripts=False) as (page, _):
        page.goto(f"{receiver.url}/builds")
        expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
        page.get_by_text("Menu").click()
        page.get_by_role("navigation", name="Menu").get_by_role("link", name="Failures").click()
        page.wait_for_url("**/failures")


def test_header_and_page_are_aligned_on_a_wide_screen(browser: Browser, receiver: Running):
    with page_of(browser, size=(2560, 1300)) as (page, _):
        page.goto(f"{receiver.url}/builds")
        brand = page.locator(".brand").bounding_box()
        heading = page.get_by_role("heading", name="Builds").bounding_box()
        assert brand
        assert heading
        assert brand["x"] == heading["x"]


def test_copy_works_without_the_clipboard_of_secure_pages(browser: Browser, receiver: Running):
    with page_of(browser) as (page, _):
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.goto(f"{receiver.url}/builds/core-1")
        page.evaluate("document.addEventListener('copy', () => { document.title = 'taken'; })")
        page.get_by_role("button", name="Copy the id of artifact 1").click()
        expect(page.get_by_text("Copied").first).to_be_visible()
        assert page.title() == "taken"


def test_a_note_that_was_written_signed_out_is_sent_after_signing_in(
    browser: Browser, receiver: Running
):
    token = receiver.token("write")
    with page_of(browser, scripts=False) as (page, _):
        page.goto(f"{receiver.url}/builds/evil")
        page.get_by_label("Notes").first.fill("seen: a test of ours")
        page.get_by_role("button", name="Resolve").first.click()
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Notes")).to_have_value("seen: a test of ours")
        page.get_by_role("button", name="Send it now").click()
        page.wait_for_url("**/builds/evil*")
        expect(page.get_by_text("seen: a test of ours")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_a_filter_stays_in_the_address(browser: Browser, receiver: Running):
    with page_of(browser) as (page, _):
        page.goto(f"{receiver.url}/builds")
        page.get_by_role("link", name="failed", exact=True).click()
        page.wait_for_url("**/builds?status=failed")
        expect(page.get_by_role("link", name="core-2")).to_be_visible()
        expect(page.get_by_role("link", name="core-1")).to_have_count(0)


def test_caller_with_scope_write_resolves_a_failure_with_notes(browser: Browser, receiver: Running):
    token = receiver.token("write")
    with page_of(browser) as (page, _):
        page.goto(f"{receiver.url}/sign-in")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{receiver.url}/builds/core-2")
        page.get_by_label("Notes").fill("the route is back")
        page.get_by_role("button", name="Resolve").click()
        expect(page.get_by_text("the route is back")).to_be_visible()
    failure = receiver.build("core-2")["failures"][0]
    assert (failure["resolved"], failure["resolution_notes"]) == (True, "the route is back")


def test_a_sender_is_tested_with_the_keyboard_alone(browser: Browser, receiver: Running):
    with page_of(browser) as (page, _):
        sign_in(page, receiver.url, receiver.token("write"))
        page.goto(f"{receiver.url}/setup")
        card = page.get_by_role("region", name="milepost default")
        card.get_by_role("button", name="Test").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Not checked: The way from the sender")).to_be_visible()
        expect(card.get_by_role("status")).to_contain_text("✓")


@pytest.mark.parametrize("scripts", [True, False])
def test_tabs_of_setup_are_links_with_lines_to_copy(
    browser: Browser, receiver: Running, scripts: bool
):
    with page_of(browser, scripts=scripts) as (page, _):
        page.goto(f"{receiver.url}/setup")
        page.get_by_role("link", name="GitLab", exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/setup?tab=gitlab*")
        connect = page.get_by_role("region", name="Connect")
        expect(connect.get_by_text("extends: .milepost")).to_be_visible()
        expect(connect.get_by_text(f"{receiver.url}/webhooks/milepost").first).to_be_visible()
        assert connect.get_by_role("button", name="Copy these lines").count() == 3 * scripts


def test_a_refusal_is_on_the_card_of_its_sender(browser: Browser, receiver: Running):
    headers = {"Content-Type": "application/json"}
    for _ in range(2):
        requests.post(f"{receiver.url}/webhooks/gitlab", b"{}", headers=headers, timeout=30)
    with page_of(browser) as (page, _):
        for _ in range(60):
            page.goto(f"{receiver.url}/setup")
            card = page.get_by_role("region", name="gitlab default")
            if card.get_by_text("2 × no-signature").count():
                break
        expect(card).to_contain_text("Set the secret at the sender")
        expect(card).to_contain_text("Refused")


def test_what_needs_scripts_is_hidden_without_them(browser: Browser, receiver: Running):
    with page_of(browser, scripts=False) as (page, _):
        for path in ("/", "/setup", "/stages", "/images", "/builds/core-1"):
            page.goto(receiver.url + path)
            for button in page.locator("button[type=button]").all():
                expect(button).to_be_hidden()
