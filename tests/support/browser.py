"""A real browser: Debian's Chromium, driven by Playwright, with axe for accessibility."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from receiver.web.auth import COOKIE
from tests.support import ROOT

CHROMIUM = "/usr/bin/chromium"
AXE = ROOT / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE, NARROW = (1440, 1000), (360, 800)
# What is wider than the window, and texts that a box cuts off without a sign of it. Names of
# hostile senders are cut on purpose.
MISFITS = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  const cut = [...document.body.querySelectorAll("*")].filter((each) => {
    const style = getComputedStyle(each);
    return style.overflowX === "hidden" && style.textOverflow !== "ellipsis"
      && !each.closest("svg, .visually-hidden, .name")
      && each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1;
  });
  return [...(wide > 0 ? [`${wide} px too wide`] : []),
    ...cut.map((each) => `cut off: ${each.outerHTML.slice(0, 120)}`)];
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser; root's needs its sandbox off."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def page_of(
    browser: Browser, *, size: tuple[int, int] = WIDE, scheme: Any = "light", scripts: bool = True
) -> Iterator[tuple[Page, list[str]]]:
    """Yield a page of its own, and the complaints of its console."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        java_script_enabled=scripts,
        bypass_csp=False,
    )
    page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page, complaints
    context.close()


def sign_in(page: Page, url: str, token: str) -> None:
    """Set the cookie that the sign-in form sets."""
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": url}])


def serious(page: Page) -> list[str]:
    """Return the serious and critical findings of axe, which runs in its own world."""
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
    where = {"contextId": world["executionContextId"], "awaitPromise": True, "returnByValue": True}
    session.send("Runtime.evaluate", {"expression": AXE.read_text(), **where})
    expression = f"axe.run(document, {{runOnly: {RULES}}}).then((found) => found.violations)"
    answer = session.send("Runtime.evaluate", {"expression": expression, **where})
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in answer["result"]["value"]
        if each["impact"] in ("serious", "critical")
    ]
