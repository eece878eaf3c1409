"""Send a message to one address: JSON signed as a Standard Webhook, or chat and mail by Apprise.

Nothing here follows a redirect, and nothing of an address is in what is returned or logged.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import requests

from receiver.domain.model import Json
from receiver.domain.notices.notice import Target
from receiver.ingest.notice_targets import service, silence
from receiver.sources import signatures

TIMEOUT = (4.0, 10.0)  # seconds to connect, and to answer
LONGEST_WAIT = 3600  # seconds that a target's Retry-After may ask for
OVER_LIMIT = (429, 503)
GONE = 410
_CODE = re.compile(r"error=(\d{3})\b")
_NO_CONNECTION = re.compile(r"connection|socket|timed? ?out|refused", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent; `id` is the same over all tries."""

    id: UUID
    title: str
    body: str
    document: Json


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a try: None where it was taken, else the problem in our words.

    `is_away`: nobody answered at all. `is_gone`: the target wants nothing more. `wait` is how long
    it asks to wait.
    """

    problem: str | None = None
    is_away: bool = False
    is_gone: bool = False
    wait: timedelta | None = None


def send(target: Target, secrets: Sequence[str], message: Message, now: datetime) -> Answer:
    """Send a message once."""
    return _post(target, secrets, message, now) if target.is_web else _notify(target, message)


def _post(target: Target, secrets: Sequence[str], message: Message, now: datetime) -> Answer:
    silence()
    body = orjson.dumps(message.document)
    try:
        with requests.post(
            target.address,
            body,
            headers=signed(message.id, body, secrets, now),
            timeout=TIMEOUT,
            allow_redirects=False,
            auth=_as_it_is,
            stream=True,  # its answer is not read: only the status counts
        ) as response:
            return _judged(response)
    except requests.Timeout:
        return Answer("it did not answer in time", is_away=True)
    except (requests.RequestException, ValueError, OSError):  # their texts quote the address
        return Answer("no connection", is_away=True)


def _as_it_is(request: Any) -> Any:
    """Add no login of a .netrc file, as the library would."""
    return request


def _judged(response: requests.Response) -> Answer:
    code = response.status_code
    if 200 <= code < 300:
        return Answer()
    if 300 <= code < 400:
        return Answer(f"it answered {code}, and redirects are not followed")
    wait = response.headers.get("Retry-After", "") if code in OVER_LIMIT else ""
    seconds = min(int(wait), LONGEST_WAIT) if wait.isascii() and wait.isdigit() else 0
    return Answer(
        f"it answered {code}",
        is_gone=code == GONE,
        wait=timedelta(seconds=seconds) if seconds else None,
    )


def signed(message_id: UUID, body: bytes, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the headers of a message, a Standard Webhook."""
    headers = {"Content-Type": "application/json", "User-Agent": "Milepost"}
    return headers | signatures.standard_headers(f"msg_{message_id.hex}", body, secrets, now)


def _notify(target: Target, message: Message) -> Answer:
    """Send by Apprise. Its result tells no reason: only its log lines do."""
    import apprise

    found = service(target.address)
    if found is None:
        return Answer("Apprise does not understand the address")
    sender = apprise.Apprise(asset=found.asset)
    sender.add(found)
    kinds = {"✗": apprise.NotifyType.FAILURE, "✓": apprise.NotifyType.SUCCESS}
    kind = next((kinds[sign] for sign in kinds if sign in message.title), None)
    with sender.notify(
        body=message.body,
        title=message.title,
        body_format=apprise.NotifyFormat.TEXT,
        notify_type=kind or apprise.NotifyType.INFO,
    ) as result:
        if result:
            return Answer()
        return _reason([str(entry.message) for entry in result.logs()])


def _reason(lines: Sequence[str]) -> Answer:
    code = next((match[1] for line in lines if (match := _CODE.search(line))), None)
    if code:
        return Answer(f"it answered {code}")
    if any(_NO_CONNECTION.search(line) for line in lines):
        return Answer("no connection", is_away=True)
    return Answer("it was not taken")
