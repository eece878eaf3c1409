"""A stand-in for GitHub's API of webhook deliveries, over real HTTP.

Paths, fields, paging and answers are those of GitHub's OpenAPI description (`hook`,
`hook-delivery-item`), of "Using pagination in the REST API" and of "Rate limits for the REST API".
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_stand_in"
HOOK = 12345678
Json = dict[str, Any]
Answer = tuple[int, Any, dict[str, str]]  # status, document or the bytes of a body, headers
TEXTS = {0: "timed out", 200: "OK", 202: "Accepted", 500: "Invalid HTTP Response: 500"}


def limited(message: str, status: int = 403, **headers: str) -> Answer:
    """Return an answer of a rate limit; an underscore in a header's name is a hyphen."""
    return status, {"message": message}, {k.replace("_", "-"): v for k, v in headers.items()}


@dataclass
class StandIn:
    """The deliveries of one webhook, the newest first, and the requests that came.

    `faults` are answered first, one to a request; `deliver` takes a guid, and returns the status of
    another try of it.
    """

    owner: str = "/repos/acme/images"
    hook_url: str = "https://milepost.example.com/webhooks/github"
    page: int = 100
    deliveries: list[Json] = field(default_factory=list)
    faults: list[Answer] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refused: dict[int, Answer] = field(default_factory=dict)  # of these ids
    deliver: Callable[[str], int] = lambda _guid: 202
    url: str = ""
    _ids: Iterator[int] = field(default_factory=lambda: count(9_000_000_001))

    def add(self, guid: str, status: int, hours: float = 0, *, again: bool = False) -> None:
        """Add a try, so many hours ago; those that are added later are newer."""
        at = datetime.now(UTC) - timedelta(hours=hours)
        self.deliveries.insert(
            0,
            {
                "id": next(self._ids),
                "guid": guid,
                "delivered_at": at.isoformat().replace("+00:00", "Z"),
                "redelivery": again,
                "duration": 0.27,
                "status": TEXTS.get(status, str(status)),
                "status_code": status,
                "event": "workflow_job",
                "action": "completed",
                "installation_id": None,
                "repository_id": 620_482_173,
                "throttled_at": None,
            },
        )

    def posts(self) -> list[int]:
        """Return the ids that were asked for again."""
        lines = [each.split("/") for each in self.requests if each.startswith("POST")]
        return [int(parts[-2]) for parts in lines]

    def answer(self, method: str, target: str, headers: Any) -> Answer:
        """Return the answer to one request."""
        self.requests.append(f"{method} {target}")
        if self.faults:
            return self.faults.pop(0)
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}, {}
        parts = urlsplit(target)
        base = self.owner if self.owner == "/app" else f"{self.owner}/hooks"
        hook = f"{base}/hook" if self.owner == "/app" else f"{base}/{HOOK}"
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        lists: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", base): lambda: (200, [self.hook(1), self.hook(HOOK)], {}),
            ("GET", hook): lambda: (200, self.hook(HOOK), {}),
            ("GET", f"{hook}/config"): lambda: (200, self.hook(HOOK)["config"], {}),
            ("GET", f"{hook}/deliveries"): lambda: self._page(parts.path, query),
        }
        if found := lists.get((method, parts.path)):
            return found()
        if method == "POST" and parts.path.startswith(f"{hook}/deliveries/"):
            return self._again(int(parts.path.split("/")[-2]))
        return 404, {"message": "Not Found"}, {}

    def hook(self, number: int = HOOK) -> Json:
        """Return a webhook as GitHub describes it; another number has another address."""
        url = self.hook_url if number == HOOK else "https://chat.example.com/hooks/s3cret"
        config = {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url}
        return {"type": "Repository", "id": number, "name": "web", "active": True, "config": config}

    def _page(self, path: str, query: dict[str, str]) -> Answer:
        start = int(query.get("cursor", "v1_0").removeprefix("v1_"))
        end = start + min(self.page, int(query.get("per_page", "30")))
        headers = {}
        if end < len(self.deliveries):
            # GitHub's own host, which a client behind a proxy or an Enterprise Server does not ask.
            link = f"https://api.github.com{path}?per_page=100&cursor=v1_{end}"
            headers["Link"] = f'<{link}>; rel="next"'
        return 200, self.deliveries[start:end], headers

    def _again(self, number: int) -> Answer:
        if number in self.refused:
            return self.refused[number]
        (found,) = [each for each in self.deliveries if each["id"] == number]
        self.add(found["guid"], self.deliver(found["guid"]), again=True)
        return 202, {}, {}


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """Serve it until the end; its `url` is the API's base address."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self):
            status, document, headers = stand_in.answer(self.command, self.path, self.headers)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = respond  # noqa: N815  # the names that http.server calls

        def log_message(self, *_: object):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stand_in.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
