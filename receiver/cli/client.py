"""A receiver elsewhere, asked over /api/v1 with a token: the same answers as asking.Local gives."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import requests

from receiver.cli.asking import Page, listed, pages
from receiver.errors import (
    ConfigError,
    Ended,
    Forbidden,
    HttpError,
    Invalid,
    MilepostError,
    NotFound,
    Pruned,
    Taken,
    Unavailable,
)
from receiver.storage.db import Row

TIMEOUT = (5.0, 30.0)  # to connect, and between two bytes of an answer
KNOWN: tuple[type[HttpError], ...] = (NotFound, Pruned, Taken, Ended, Invalid)


class Remote:
    """A receiver at an address; it answers as asking.Receiver says."""

    def __init__(self, url: str, token: str) -> None:
        base = url.partition("/webhooks/")[0].rstrip("/")
        if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc:
            raise ConfigError(["MILEPOST_URL must be like https://milepost.example.com."])
        self._base, self._session = f"{base}/api/v1", requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.auth = lambda request: request  # else .netrc would replace the token

    def builds(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """GET /builds."""
        return self._listed("/builds", wanted, limit)

    def build(self, number: str) -> Row:
        """GET /builds/<build_number>."""
        return self._object(f"/builds/{_quoted(number)}")

    def resume(self, number: str) -> Row:
        """GET /builds/<build_number>/resume."""
        return self._object(f"/builds/{_quoted(number)}/resume")

    def images(self) -> list[Row]:
        """GET /images."""
        return self._items("/images")

    def image(self, names: tuple[str, str, str], wanted: Mapping[str, str]) -> str:
        """GET /images/<platform>/<os_version>/<image_type>?format=text."""
        path = "/".join(["/images", *(_quoted(name) for name in names)])
        return self._ask("GET", path, {**wanted, "format": "text"}).text.strip()

    def failures(self, status: str, limit: int) -> list[Row]:
        """GET /failures."""
        return self._listed("/failures", {"status": status}, limit)

    def resolve(self, failure_id: UUID, notes: str) -> None:
        """POST /failures/<id>/resolve."""
        self._ask("POST", f"/failures/{failure_id}/resolve", body={"notes": notes})

    def reopen(self, failure_id: UUID) -> None:
        """POST /failures/<id>/reopen."""
        self._ask("POST", f"/failures/{failure_id}/reopen", body={})

    def deliveries(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """GET /deliveries."""
        return self._listed("/deliveries", wanted, limit)

    def unused(self, outcome: str) -> Iterator[UUID]:
        """GET /deliveries, the oldest first; all are known before one is replayed."""
        wanted = {"outcome": outcome}
        found = list(pages(lambda count, after: self._page("/deliveries", wanted, count, after)))
        return (UUID(row["id"]) for row in reversed(found))

    def replay(self, delivery_id: UUID) -> str:
        """POST /deliveries/<id>/replay."""
        answer = self._ask("POST", f"/deliveries/{delivery_id}/replay", body={})
        return str(_document(answer)["outcome"])

    def stats(self, part: str) -> list[Row]:
        """GET /stats, /stats/combinations, /stats/stages."""
        return [self._object("/stats")] if part == "summary" else self._items(f"/stats/{part}")

    def create(self, number: str, said: Mapping[str, Any]) -> Row:
        """POST /builds."""
        return self._posted("/builds", {**said, "build_number": number})

    def cancel(self, number: str, said: Mapping[str, Any]) -> Row:
        """POST /builds/<build_number>/cancel."""
        return self._posted(f"/builds/{_quoted(number)}/cancel", said)

    def add(self, number: str, kind: str, said: Mapping[str, Any]) -> Row:
        """POST /builds/<build_number>/states, failures or artifacts."""
        return self._posted(f"/builds/{_quoted(number)}/{kind}s", said)

    def audit(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """GET /audit."""
        return self._listed("/audit", wanted, limit)

    def _posted(self, path: str, said: Mapping[str, Any]) -> Row:
        return _document(self._ask("POST", path, body=dict(said)))

    def _listed(self, path: str, wanted: Mapping[str, str], limit: int) -> list[Row]:
        return listed(lambda count, after: self._page(path, wanted, count, after), limit, wanted)

    def _page(self, path: str, wanted: Mapping[str, str], count: int, after: str | None) -> Page:
        asked = {**wanted, "limit": str(count)} | ({"after": after} if after else {})
        found = self._object(path, asked)
        return found["items"], found["next"]

    def _items(self, path: str, asked: Mapping[str, str] | None = None) -> list[Row]:
        """The items of an answer that has one page."""
        found: list[Row] = self._object(path, asked)["items"]
        return found

    def _object(self, path: str, asked: Mapping[str, str] | None = None) -> Row:
        return _document(self._ask("GET", path, asked))

    def _ask(
        self, method: str, path: str, asked: Mapping[str, str] | None = None, body: Any = None
    ) -> requests.Response:
        try:
            answer = self._session.request(
                method, self._base + path, params=asked, json=body, timeout=TIMEOUT
            )
        except requests.RequestException as error:
            reason = type(error).__name__
            raise Unavailable(f"No answer from {self._base} ({reason}).") from error
        if not answer.ok:
            raise _error(answer)
        return answer


def _error(answer: requests.Response) -> MilepostError:
    """What the receiver says is wrong, as the error that it was there."""
    try:
        problem = answer.json()
    except requests.JSONDecodeError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    detail = str(problem.get("detail") or f"The receiver answers {answer.status_code}.")
    if answer.status_code == 401:
        return Forbidden("The receiver does not know this MILEPOST_TOKEN.")
    if answer.status_code in (403, 429):  # 429: after many wrong tokens, of which this is one
        return Forbidden(detail)
    if answer.status_code >= 500:
        return Unavailable(detail)
    fields = problem.get("errors") or {}
    kind = next((each for each in KNOWN if each.code == problem.get("code")), None)
    return kind(detail, fields=fields) if kind else MilepostError(detail)


def _document(answer: requests.Response) -> Row:
    try:
        found = answer.json()
    except requests.JSONDecodeError as error:
        raise MilepostError(f"{answer.url.partition('?')[0]} is no Milepost's API.") from error
    if not isinstance(found, dict):
        raise MilepostError(f"{answer.url.partition('?')[0]} is no Milepost's API.")
    return found


def _quoted(name: str) -> str:
    return quote(name, safe=":@+")
