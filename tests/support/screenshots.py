"""make screenshots: each page with few builds and with many, in both schemes and three widths.

With arguments only these sets: numbers of builds, and `demo` for the nights of `make demo`, which
are in the pictures of docs/, too.
"""

import sys
from pathlib import Path

import requests
from playwright.sync_api import Browser

from tests.support import ROOT
from tests.support.browser import WIDE, chromium, page_of, sign_in
from tests.support.receivers import Running, started

OUT, DOCS = ROOT / "screenshots", ROOT / "docs"
PHONE, LARGE, PICTURE = (380, 800), (2560, 1300), (1280, 1200)
SETS = ("0", "20", "1500", "5000", "demo")
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


def main(sets: tuple[str, ...]) -> None:
    """Take the screenshots of each set."""
    for name in sets:
        with started() as receiver:
            fill(receiver, name)
            with chromium() as browser:
                take(browser, receiver, OUT / name)
                if name == "demo":
                    draw(browser, receiver)


def fill(receiver: Running, name: str) -> None:
    """Give the receiver the builds of a set."""
    arguments = ["--live", "1s"] if name == "demo" else ["--builds", name]
    done = receiver.run("demo", *arguments) if name != "0" else None
    assert done is None or done.returncode == 0, done.stderr


def take(browser: Browser, receiver: Running, folder: Path) -> None:
    """Save <page>-<scheme>-<width>.png, each whole."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {**PATHS, **pages_of(failed_build(receiver))}
    token = receiver.token("admin")
    for scheme in ("light", "dark"):
        for size in (PHONE, WIDE, LARGE):
            with page_of(browser, size=size, scheme=scheme) as (page, _):
                sign_in(page, receiver.url, token)
                for name, path in paths.items():
                    page.goto(receiver.url + path)
                    path_to = folder / f"{name}-{scheme}-{size[0]}.png"
                    page.screenshot(path=path_to, full_page=True)


def draw(browser: Browser, receiver: Running) -> None:
    """Save the pictures of README.md: the overview, and a build that failed."""
    paths = {"overview": "/", "build": pages_of(failed_build(receiver))["build"]}
    with page_of(browser, size=PICTURE) as (page, _):
        for name, path in paths.items():
            page.goto(receiver.url + path)
            page.screenshot(path=DOCS / f"{name}.png")


def pages_of(build: dict[str, str] | None) -> dict[str, str]:
    """Return the pages of a build and of its image."""
    if build is None:
        return {}
    names = (build[name] for name in ("project", "platform", "os_version", "image_type"))
    return {"build": f"/builds/{build['build_number']}", "image": f"/images/{'/'.join(names)}"}


def failed_build(receiver: Running) -> dict[str, str] | None:
    """Return a failed build, else any, if there is one."""
    for query in ("?status=failed", ""):
        items = requests.get(f"{receiver.url}/builds.json{query}", timeout=30).json()["items"]
        if items:
            found: dict[str, str] = items[0]
            return found
    return None


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or SETS)
