"""Every page of the application in a real browser: what is wrong with each."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import requests
from playwright.sync_api import Browser, Page

from receiver.app import create_app
from receiver.config import Config
from tests.support.browser import MISFITS, page_of, serious, sign_in
from tests.support.receivers import Running

WIDTHS = (360, 900, 1440, 3840)
PAPER = 794  # px of A4
# Pages that differ by their query, beside all that the application has.
MORE = (
    *("/builds/core-2", "/builds/evil", "/builds/none", "/nowhere", "/search?q=core"),
    *("/failures?tab=recovered", "/deliveries?outcome=stored", "/builds?q=none", "/setup?tab=curl"),
)
OF = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}


def pages_of(receiver: Running, token: str) -> list[str]:
    """Return the path of every page: all routes of the application that answer with HTML."""
    app = create_app(Config(Path("/nowhere"), database_url="postgresql://127.0.0.1:1/none"))
    app.extensions["milepost"].database.close()
    known = OF | {"build_number": "core-1", "filename": "milepost.css", "part": "stages"}
    known |= {"name": "core", "names": "core"}
    inbox = requests.get(f"{receiver.url}/deliveries.json", timeout=30).json()["items"]
    known["delivery_id"] = inbox[0]["id"] if inbox else str(uuid4())
    with app.test_request_context():
        built = [
            rule.build({name: known[name] for name in rule.arguments}, False)
            for rule in app.url_map.iter_rules()
            if "GET" in (rule.methods or ()) and not rule.rule.startswith("/webhooks/")
        ]
    headers = {"Accept": "text/html", "Authorization": f"Bearer {token}"}
    paths = []
    more = MORE if inbox else ()
    for path in [*(each[1] for each in built if each), *more]:
        answer = requests.get(receiver.url + path, headers=headers, timeout=60)
        assert answer.status_code < 500, path
        if answer.headers["Content-Type"].startswith("text/html"):
            paths.append(path)
    assert {"/", "/setup", "/stages", "/deliveries", "/audit", "/trends", "/image"} <= {*paths}
    return paths


def visit(
    browser: Browser, receiver: Running, scheme: str, size: tuple[int, int]
) -> dict[str, list[str]]:
    """Return what is wrong with each page for an administrator: axe at this size, the console, and
    what does not fit at any width or on paper."""
    token = receiver.token("admin")
    found: dict[str, list[str]] = {}
    with page_of(browser, scheme=scheme) as (page, complaints):
        sign_in(page, receiver.url, token)
        for path in pages_of(receiver, token):
            page.goto(receiver.url + path)
            misfit = [*misfits(page)]
            page.set_viewport_size({"width": size[0], "height": size[1]})
            found[path] = [*misfit, *serious(page)]
            found[path] += [each for each in complaints if "404" not in each]
            assert page.title() != "owned"
            complaints.clear()
    return found


def misfits(page: Page) -> Iterator[str]:
    """Yield what is wider than the window, or cut off in it."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        yield from (f"at {width} px: {each}" for each in page.evaluate(MISFITS))
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1123})
    yield from (f"on paper: {each}" for each in page.evaluate(MISFITS))
    page.emulate_media(media="screen")
