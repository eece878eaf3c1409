"""make screenshots: each page with few builds and with many, in both schemes and three widths."""

from pathlib import Path

import requests

from tests.support import ROOT
from tests.support.browser import WIDE, chromium, page_of, sign_in
from tests.support.receivers import Running, started

OUT = ROOT / "screenshots"
PHONE, LARGE = (380, 800), (2560, 1300)
PATHS = {
    "overview": "/",
    **{name: f"/{name}" for name in ("builds", "images", "failures", "trends", "stages")},
    "deliveries": "/deliveries",
    "notices": "/notices",
    "search": "/search?q=rhel",
    "tonight": "/failures?tab=tonight",
    "setup": "/setup",
    "audit": "/audit",
    "docs": "/api/docs",
}


def main() -> None:
    """Take the screenshots of no build, of few and of many."""
    for builds in (0, 20, 1500, 5000):
        with started() as receiver:
            if builds:
                receiver.run("demo", "--builds", str(builds))
            take(receiver, OUT / str(builds))


def take(receiver: Running, folder: Path) -> None:
    """Save <page>-<scheme>-<width>.png, each whole."""
    folder.mkdir(parents=True, exist_ok=True)
    number = build_number(receiver)
    paths = {**PATHS, **({"build": f"/builds/{number}"} if number else {})}
    token = receiver.token("admin")
    with chromium() as browser:
        for scheme in ("light", "dark"):
            for size in (PHONE, WIDE, LARGE):
                with page_of(browser, size=size, scheme=scheme) as (page, _):
                    sign_in(page, receiver.url, token)
                    for name, path in paths.items():
                        page.goto(receiver.url + path)
                        page.screenshot(path=folder / f"{name}-{scheme}-{size[0]}.png")


def build_number(receiver: Running) -> str | None:
    """Return the number of a failed build, else of any, if there is one."""
    for query in ("?status=failed", ""):
        items = requests.get(f"{receiver.url}/builds.json{query}", timeout=30).json()["items"]
        if items:
            return str(items[0]["build_number"])
    return None


if __name__ == "__main__":
    main()
