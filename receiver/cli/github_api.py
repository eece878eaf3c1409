"""GitHub's API of webhook deliveries: which failed, and to have them sent again.

The shapes are those of GitHub's OpenAPI description (`hook-delivery-item`,
https://github.com/github/rest-api-description) and of these pages:

- https://docs.github.com/en/rest/repos/webhooks, …/rest/orgs/webhooks, …/rest/apps/webhooks: pages
  of at most 100, the newest first, with a cursor in the header Link; 202 for a request to send
  again, 400 or 422 where GitHub does not do it.
- https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks:
  GitHub keeps deliveries for three days and never repeats one by itself; a repeated one has the
  same guid, which the receiver keeps once.
- https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: 403 or 429 with
  Retry-After, or with x-ratelimit-remaining 0 and x-ratelimit-reset, else a minute and each time
  longer; a second between two requests that change something (best practices, same site).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import requests

from receiver.domain.model import Json
from receiver.errors import ConfigError, Forbidden, MilepostError, NotFound, Unavailable

PUBLIC = "https://api.github.com"
VERSION = "2022-11-28"
TIMEOUT = (5.0, 30.0)  # to connect, and between two bytes of an answer
PAGE = 100
PAUSE_SECONDS = 1.0  # after a request to send again
TRIES = 4  # of a request that meets a rate limit
MINUTE = 60.0
LONGEST_WAIT = 15 * MINUTE  # for a rate limit; past it the command ends and says until when
LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Owner:
    """What has the webhook: a repository, an organisation, or the App whose token it is.

    `needs` are the permissions that GitHub's pages name for these requests.
    """

    path: str
    needs: str

    @classmethod
    def repository(cls, name: str) -> "Owner":
        """Return the repository OWNER/NAME."""
        return cls(
            f"/repos/{quote(name)}",
            "write access to the repository permission Webhooks, or as a classic token the scope "
            "repo, and its user must be an administrator of the repository",
        )

    @classmethod
    def organisation(cls, name: str) -> "Owner":
        """Return the organisation of this name."""
        return cls(
            f"/orgs/{quote(name, safe='')}",
            "write access to the organization permission Webhooks, or as a classic token the scope "
            "admin:org_hook, and its user must be an owner of the organization",
        )

    @classmethod
    def app(cls) -> "Owner":
        """Return the App whose JSON Web Token is used."""
        return cls("/app", "to be a JSON Web Token of the App, which is valid for ten minutes")


@dataclass(frozen=True)
class Hook:
    """A webhook: its path in the API, and the address that it posts to."""

    path: str
    url: str


@dataclass(frozen=True)
class Attempt:
    """One try to deliver. Tries of one delivery have one guid, and each an id of its own."""

    id: int
    guid: str
    at: datetime
    event: str
    action: str | None
    status: int  # 0 where there was no answer

    @property
    def is_taken(self) -> bool:
        """Return whether the receiver took it."""
        return 200 <= self.status < 300


class GitHub:
    """The API under a base address, with a token. `wait` takes seconds.

    Raises Forbidden, NotFound, Unavailable, MilepostError.
    """

    def __init__(
        self,
        base: str,
        token: str,
        wait: Callable[[float], object] = time.sleep,
        say: Callable[[str], object] = print,
    ) -> None:
        self._base, self._wait, self._say = _checked(base), wait, say
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "X-GitHub-Api-Version": VERSION,
            }
        )
        self._session.auth = lambda request: request  # else .netrc would replace the token

    def hooks(self, owner: Owner) -> list[Hook]:
        """Return the webhooks of an owner; an App has one."""
        if owner == Owner.app():
            config = _document(self._get("/app/hook/config", owner))
            with _expected("configuration of the App's webhook"):
                return [Hook("/app/hook", str(config["url"]))]
        path = f"{owner.path}/hooks"
        return [_hook(path, each) for page in self._pages(path, owner) for each in page]

    def hook(self, owner: Owner, hook_id: int) -> Hook:
        """Return one webhook of a repository or organisation."""
        path = f"{owner.path}/hooks"
        return _hook(path, _document(self._get(f"{path}/{hook_id}", owner)))

    def attempts(self, owner: Owner, hook: Hook, since: datetime) -> Iterator[Attempt]:
        """Yield the tries since a time, the newest first."""
        for page in self._pages(f"{hook.path}/deliveries", owner):
            tries = [_attempt(each) for each in page]
            yield from (each for each in tries if each.at >= since)
            if tries and tries[-1].at < since:
                return

    def send_again(self, owner: Owner, hook: Hook, attempt: Attempt) -> str:
        """Ask for one delivery to be sent again. Return '', or why GitHub does not do it."""
        answer = self._request("POST", f"{hook.path}/deliveries/{attempt.id}/attempts", {})
        self._wait(PAUSE_SECONDS)
        if answer.status_code < 300:
            return ""
        if answer.status_code in (400, 404, 410, 422):  # of this one alone, as its list was read
            return f"GitHub answers {answer.status_code}: {_message(answer)}"
        raise _error(answer, owner)

    def _pages(self, path: str, owner: Owner) -> Iterator[list[Json]]:
        """Yield the pages of a list. Only the query of the next page's link is taken, so that the
        token goes nowhere else. A page that names itself as the next one is the last."""
        query: dict[str, str] | None = {"per_page": str(PAGE)}
        asked: list[dict[str, str]] = []
        while query is not None and query not in asked:
            asked.append(query)
            answer = self._get(path, owner, query)
            page = _document(answer)
            if not isinstance(page, list):
                raise MilepostError(f"{self._base}{path} is no list: is {self._base} GitHub's API?")
            yield page
            link = answer.links.get("next", {}).get("url")
            query = dict(parse_qsl(urlsplit(link).query)) if link else None

    def _get(
        self, path: str, owner: Owner, query: Mapping[str, str] | None = None
    ) -> requests.Response:
        answer = self._request("GET", path, query or {})
        if answer.status_code < 300 and "json" in answer.headers.get("Content-Type", ""):
            return answer
        raise _error(answer, owner)

    def _request(self, method: str, path: str, query: Mapping[str, str]) -> requests.Response:
        for turn in range(TRIES):
            answer = self._send(method, path, query)
            seconds = limited_seconds(answer, turn, time.time())
            if seconds is None:
                return answer
            if seconds > LONGEST_WAIT or turn == TRIES - 1:
                break
            self._say(f"GitHub's rate limit: waiting {seconds:.0f} s.")
            self._wait(seconds)
        raise Unavailable(
            f"GitHub's rate limit is used up for {seconds or 0:.0f} s more. What was asked for is "
            "sent again; run the command once more after that for the rest."
        )

    def _send(self, method: str, path: str, query: Mapping[str, str]) -> requests.Response:
        try:
            # A redirect would turn a POST into a GET; a renamed repository has one.
            return self._session.request(
                method, self._base + path, params=query, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            reason = type(error).__name__
            raise Unavailable(f"No answer from {self._base} ({reason}).") from error


def limited_seconds(answer: requests.Response, turn: int, now: float) -> float | None:
    """Return the seconds to wait for a rate limit, None if this is no answer of one."""
    if answer.status_code not in (403, 429):
        return None
    after = answer.headers.get("Retry-After", "")
    if after.isdecimal():
        return float(after)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(float(reset) - now, 0.0) + 1.0
    is_secondary = answer.status_code == 429 or "rate limit" in _message(answer).lower()
    return MINUTE * 2**turn if is_secondary else None


def _checked(base: str) -> str:
    """Return the base address. Raises ConfigError where a token would travel in the clear."""
    parts = urlsplit(base)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL):
        return base.rstrip("/")
    raise ConfigError([f"--api-url must be like {PUBLIC} or https://github.example.com/api/v3."])


def _hook(path: str, document: Any) -> Hook:
    with _expected("webhook"):
        return Hook(f"{path}/{int(document['id'])}", str(document["config"].get("url") or ""))


def _attempt(document: Any) -> Attempt:
    with _expected("list of deliveries"):
        at = datetime.fromisoformat(str(document["delivered_at"]))
        return Attempt(
            id=int(document["id"]),
            guid=str(document["guid"]),
            at=at if at.tzinfo else at.replace(tzinfo=UTC),
            event=str(document.get("event") or ""),
            action=document.get("action"),
            status=int(document.get("status_code") or 0),
        )


@contextmanager
def _expected(what: str) -> Iterator[None]:
    """Raise MilepostError where an answer has another shape than GitHub's description."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MilepostError(
            f"The {what} has not the shape that GitHub describes: is --api-url GitHub's API?"
        ) from error


def _document(answer: requests.Response) -> Any:
    """Return the JSON of an answer. Raises MilepostError for a body that is none, as of a proxy."""
    with _expected("answer"):
        return answer.json()


def _message(answer: requests.Response) -> str:
    """Return what GitHub says, at most a line of it."""
    try:
        document = answer.json()
    except requests.JSONDecodeError:
        return "no JSON"
    text = document.get("message") if isinstance(document, dict) else ""
    return str(text or "no message")[:200]


def _error(answer: requests.Response, owner: Owner) -> MilepostError:
    """Return what to change, for an answer that is no success."""
    status, message = answer.status_code, _message(answer)
    said = f"GitHub answers {status} ({message})"
    if status == 401:
        return Forbidden(f"{said}: the token is wrong or has expired. It needs {owner.needs}.")
    if status == 403:
        more = answer.headers.get("X-Accepted-GitHub-Permissions", "")
        asked = f" GitHub asks for {more}." if more else ""
        return Forbidden(f"{said}: the token needs {owner.needs}.{asked}")
    if status in (404, 410):
        return NotFound(
            f"{said}: there is no such repository, organization or webhook, or the token may not "
            f"see it. It needs {owner.needs}."
        )
    if 300 <= status < 400:
        return MilepostError(f"GitHub answers {status}: it was renamed. Say its present name.")
    if status >= 500:
        return Unavailable(f"{said}: try again.")
    if answer.ok:
        return MilepostError(f"{said}: is --api-url GitHub's API?")
    return MilepostError(f"{said}.")
