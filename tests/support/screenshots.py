"""make screenshots: each page with few builds and with many, in both schemes and two widths."""

from pathlib import Path

import requests

from tests.support import ROOT
from tests.support.browser import NARROW, WIDE, chromium, page_of, sign_in
from tests.support.receivers import Running, started

OUT = ROOT / "screenshots"
PATHS = {
    "overview": "/",
    **{name: f"/{name}" for name in ("builds", "images", "failures", "stages", "deliveries")},
    "setup": "/setup",
    "audit": "/audit",
    "docs": "/api/docs",
}


def main() -> None:
    """Take the screenshots of 6 builds and of 1,500."""
    for builds in (6, 1500):
        with started() as receiver:
            receiver.run("demo", "--builds", str(builds))
            take(receiver, OUT / str(builds))


def take(receiver: Running, folder: Path) -> None:
    """Save <page>-<scheme>-<width>.png, each whole."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {**PATHS, "build": f"/builds/{build_number(receiver)}"}
    token = receiver.token("admin")
    with chromium() as browser:
        for scheme in ("light", "dark"):
            for size in (WIDE, NARROW):
                with page_of(browser, size=size, scheme=scheme) as (page, _):
                    sign_in(page, receiver.url, token)
                    for name, path in paths.items():
                        page.goto(receiver.url + path)
                        page.screenshot(path=folder / f"{name}-{scheme}-{size[0]}.png")


def build_number(receiver: Running) -> str:
    """Return the number of a failed build, else of any."""
    for query in ("?status=failed", ""):
        items = requests.get(f"{receiver.url}/builds.json{query}", timeout=30).json()["items"]
        if items:
            return str(items[0]["build_number"])
    raise AssertionError("no build was recorded")


if __name__ == "__main__":
    main()
