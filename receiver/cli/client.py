"""The API client: commands read and change builds through /api/v1 alone.

It asks the receiver at MILEPOST_URL where MILEPOST_TOKEN is set too. Hooks need the URL alone, so
without a token it asks an application of this process, on the database of the settings.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import click
import requests

from receiver.cli.answers import document_of, error_of
from receiver.domain import redact
from receiver.domain.model import NUMBER_SHAPE, Json
from receiver.errors import ConfigError, NotFound, Unavailable

Filters = Mapping[str, Any]  # what is None fits all
PAGE = 100  # rows, the most that /api/v1 gives at once
TIMEOUT = (5.0, 30.0)  # to connect, and between two bytes of an answer


@contextmanager
def open_client() -> Iterator["Client"]:
    """Yield a client of the receiver in the environment, else of the database in the settings."""
    url, token = (os.environ.get(name, "").strip() for name in ("MILEPOST_URL", "MILEPOST_TOKEN"))
    if url and token:
        if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
            shown = urlsplit(url).hostname
            click.echo(f"milepost: this is the receiver at {shown}, not DATABASE_URL", err=True)
        with requests.Session() as session:
            yield Client(base_of(url), _with_token(session, token))
        return
    from receiver.cli import wsgi_session  # Flask and the driver are only needed here

    with wsgi_session.open_session() as session:
        yield Client(wsgi_session.URL, session, reveal=False)


class Client:
    """A receiver's /api/v1. Raises NotFound, Invalid, Forbidden, Unavailable and their like.

    Without `reveal` what looks secret in a build is masked, whatever the caller may see.
    """

    def __init__(self, base: str, session: requests.Session, *, reveal: bool = True) -> None:
        self._base, self._session, self._reveal = f"{base}/api/v1", session, reveal
        self.unknown: list[str] = []  # what the last list says of names that nothing has

    def builds(self, filters: Filters, limit: int) -> list[Json]:
        """Return the builds that fit, of which only the newest first have more than one page."""
        if filters.get("order") in (None, "newest"):
            return self._rows("/builds", filters, limit)
        return self._items("/builds", {**filters, "limit": min(limit, PAGE)})

    def build(self, number: str) -> Json:
        """Return one build with its parts."""
        return self._masked(self._get(_build_path(number)))

    def resume(self, number: str) -> Json:
        """Return a build's resume point: state, safe, artifact."""
        return self._masked(self._get(_build_path(number, "resume")))

    def images(self, filters: Filters) -> list[Json]:
        """Return the latest good images that fit."""
        return self._items("/images", filters)

    def image_id(self, filters: Filters) -> str:
        """Return the artifact id of the one image that fits. Raises Invalid where several do."""
        return self._request("GET", "/image", {**filters, "format": "text"}).text.strip()

    def lineage(self, number: str) -> Json:
        """Return what a build descends from, and what descends from it."""
        return self._masked(self._get(_build_path(number, "lineage")))

    def checks(self, number: str, *, history: bool) -> list[Json]:
        """Return the last check of each name of a build's image; or also the earlier ones."""
        filters = {"history": "1", "limit": 1_000} if history else {}
        return self._items(_build_path(number, "checks"), filters)

    def confirmed_images(self) -> list[Json]:
        """Return the images that people confirmed."""
        return self._items("/confirmed_images")

    def confirm(self, names: Json) -> bool:
        """Confirm an image. Return False where it is confirmed already."""
        return not self._post("/confirmed_images", names)["duplicate"]

    def take_back(self, names: Json) -> None:
        """Undo the confirmation of an image."""
        self._request("DELETE", "/confirmed_images", names)

    def channels(self) -> list[Json]:
        """Return the channels."""
        return self._items("/channels")

    def channel(self, name: str, query: Filters) -> Json:
        """Return a channel with what is or was current in it."""
        return self._get(_path("channels", name), query)

    def channel_history(self, name: str, filters: Filters, limit: int) -> list[Json]:
        """Return the assignments of a channel that fit, the newest first."""
        return self._rows(_path("channels", name, "history"), filters, limit)

    def create_channel(self, name: str, fields: Json) -> Json:
        """Create a channel, and return it."""
        return self._post("/channels", {**fields, "name": name})

    def assign(self, name: str, fields: Json) -> Json:
        """Put a build into a channel: `{"items": what it holds, "duplicate": whether it did}`."""
        return self._post(_path("channels", name, "assignments"), fields)

    def unassign(self, name: str, fields: Json) -> None:
        """Take an image out of a channel."""
        body = {key: value for key, value in fields.items() if value is not None}
        self._request("DELETE", _path("channels", name, "assignments"), body=body)

    def revocation(self, number: str) -> Json:
        """Return what a revocation of a build concerns."""
        return self._get(_build_path(number, "revocation"))

    def revoke(self, number: str, fields: Json) -> Json:
        """Revoke a build, and return what that concerns."""
        return self._post(_build_path(number, "revocation"), fields)

    def restore_build(self, number: str) -> None:
        """Take the revocation of a build back."""
        self._request("DELETE", _build_path(number, "revocation"))

    def merges(self) -> list[Json]:
        """Return the merges that can be undone."""
        return self._items("/merges")

    def alike_names(self) -> list[Json]:
        """Return pairs of names that look like one."""
        return self._items("/merges/suggestions")

    def merge(self, dimension: str, name: str, into: str) -> int:
        """Merge a name into another one. Return the number of builds that moved."""
        merge = {"dimension": dimension, "name": name, "into": into}
        return int(self._post("/merges", merge)["builds_moved"])

    def undo_merge(self, dimension: str, name: str) -> Json:
        """Undo a merge: `{"into": name, "builds_moved": number}`."""
        return self._post("/merges/undo", {"dimension": dimension, "name": name})

    def failures(self, status: str, limit: int) -> list[Json]:
        """Return the failures that are open, resolved or all, the newest first."""
        return self._rows("/failures", {"status": status}, limit)

    def notices(self, filters: Filters, limit: int) -> list[Json]:
        """Return the notices that fit, the newest first."""
        return self._rows("/notices", filters, limit)

    def resolve(self, failure_id: UUID, notes: str) -> None:
        """Mark a failure resolved."""
        self._post(f"/failures/{failure_id}/resolve", {"notes": notes})

    def reopen(self, failure_id: UUID) -> None:
        """Mark a failure open again."""
        self._post(f"/failures/{failure_id}/reopen")

    def deliveries(self, filters: Filters, limit: int | None = None) -> list[Json]:
        """Return the deliveries that fit, the newest first; all of them without a limit."""
        return self._rows("/deliveries", filters, limit)

    def replay(self, delivery_id: UUID | str) -> str:
        """Parse a stored delivery again, and return its outcome."""
        return str(self._post(f"/deliveries/{delivery_id}/replay")["outcome"])

    def summary(self) -> Json:
        """Return the figures of the overview."""
        return self._get("/stats")

    def statistics(self, part: str) -> list[Json]:
        """Return the statistics of `combinations` or `stages`."""
        return self._items(f"/stats/{part}")

    def create(self, number: str, fields: Json) -> Json:
        """Create a build before its first report, and return its status."""
        return self._post("/builds", {**fields, "build_number": number})

    def cancel(self, number: str, fields: Json) -> Json:
        """Cancel a build, and return its status."""
        return self._post(_build_path(number, "cancel"), fields)

    def add(self, number: str, kind: str, fields: Json) -> Json:
        """Add a state, failure or artifact to a build, and return the build's status."""
        return self._post(_build_path(number, f"{kind}s"), fields)

    def audit(self, filters: Filters, limit: int) -> list[Json]:
        """Return the changes in the audit trail that fit, the newest first."""
        return self._rows("/audit", filters, limit)

    def _rows(self, path: str, filters: Filters, limit: int | None) -> list[Json]:
        """Return the first rows of a list, over as many pages as that takes."""
        return list(islice(self._pages(path, filters, min(limit or PAGE, PAGE)), limit))

    def _pages(self, path: str, filters: Filters, size: int) -> Iterator[Json]:
        query = {**filters, "limit": size}
        while True:
            page = self._get(path, query)
            self.unknown = page.get("unknown", [])
            yield from page["items"]
            if not page["next"]:
                return
            query["after"] = page["next"]

    def _items(self, path: str, query: Filters | None = None) -> list[Json]:
        document = self._get(path, query)
        self.unknown = document.get("unknown", [])
        items: list[Json] = document["items"]
        return items

    def _masked(self, document: Json) -> Json:
        masked: Json = document if self._reveal else redact.document(document)
        return masked

    def _get(self, path: str, query: Filters | None = None) -> Json:
        return document_of(self._request("GET", path, query))

    def _post(self, path: str, fields: Json | None = None) -> Json:
        body = {name: value for name, value in (fields or {}).items() if value is not None}
        return document_of(self._request("POST", path, body=body))

    def _request(
        self, method: str, path: str, query: Filters | None = None, body: Json | None = None
    ) -> requests.Response:
        try:
            response = self._session.request(
                method, self._base + path, params=query, json=body, timeout=TIMEOUT
            )
        except requests.RequestException as error:
            reason = type(error).__name__
            raise Unavailable(f"No answer from {self._base} ({reason}).") from error
        if not response.ok:
            raise error_of(response)
        return response


def base_of(url: str) -> str:
    """Return the receiver's address, from itself or from that of one of its webhooks.

    Raises ConfigError.
    """
    base = url.partition("/webhooks/")[0].rstrip("/")
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc:
        raise ConfigError(["MILEPOST_URL must be like https://milepost.example.com."])
    return base


def _with_token(session: requests.Session, token: str) -> requests.Session:
    session.headers["Authorization"] = f"Bearer {token}"
    session.auth = lambda request: request  # else .netrc would replace the token
    return session


def _build_path(number: str, *parts: str) -> str:
    if not NUMBER_SHAPE.fullmatch(number):  # with a slash it would be another address
        raise NotFound("There is no build of this number.")
    return _path("builds", number, *parts)


def _path(*parts: str) -> str:
    return "".join(f"/{quote(part, safe=':@+')}" for part in parts)
