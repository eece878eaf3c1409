"""One night of 60 images, and an outage of two hours: how many messages, and which."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver.config import Config
from tests.support.listeners import Listener
from tests.support.notices import Telling, notice, telling
from tests.support.senders import Json

PROJECTS = """
[project."core"]
owner = "Core team"
window = "20:00-08:00 UTC"
"""
NO_ROUTE: Json = {
    "message": "no route to host 10.1.2.{}",
    "stage": "Security baseline",
    "state": 25,
}
DISK: Json = {"message": "No space left on device", "stage": "Storage", "state": 45}
TIMEOUT: Json = {"message": "Timeout waiting for SSH.", "stage": "Kickstart", "state": 5}
# Minutes after the first failure, image, and cause: 11 failures of 3 causes over four hours.
FAILURES = [
    *((minute, f"vs-{place}", NO_ROUTE) for place, minute in enumerate((0, 1, 2, 3, 3, 5, 9))),
    (70, "az-1", DISK),
    (76, "az-2", DISK),
    (150, "aws-1", TIMEOUT),
    (236, "vs-8", NO_ROUTE),
]
RETRIED = ("re-1", "re-2", "re-3")  # their first attempts fail, too
OTHERS = 60 - len(FAILURES) - len(RETRIED) - 1


@pytest.fixture
def there(config: Config, tmp_path: Path, target: Listener) -> Iterator[Telling]:
    types = ["failed", "overdue", "lost", "recovered", "digest"]
    text = notice(target, on=types, digest="07:00 UTC")
    with telling(config, tmp_path, text, PROJECTS) as made:
        made.now = made.now.replace(hour=20) - timedelta(days=1)
        yield made


def messages(there: Telling) -> list[tuple[str, str, list[str]]]:
    """Return time, title and the lines of the text of each message."""
    rows = there.rows("SELECT created_at, title, body FROM notice_messages ORDER BY created_at, id")
    return [(f"{row['created_at']:%H:%M}", row["title"], row["body"].splitlines()) for row in rows]


def fail(there: Telling, image: str, cause: Json, **more: Any) -> None:
    text = str(cause["message"]).format(len(image))
    platform = {"vs": "vsphere", "az": "azure"}.get(image[:2], "aws")
    said: dict[str, Any] = {**cause, "message": text, "image": {"platform": platform}, **more}
    there.report("failed", f"night-{image}", image, **said)


def retry(there: Telling, name: str, status: str | None, minutes: float) -> None:
    """Report the second attempt of a build, as a forge does that begins it at once."""
    at = there.now + timedelta(minutes=minutes)
    more: dict[str, Any] = {"run": f"{name}-2", "run_more": {"attempt": 2}, "at": at}
    there.report(status, f"night-{name}", name, image={"platform": "aws"}, **more)


def one_night(there: Telling) -> None:
    """Report what happens from 20:30 on, and let the notifier tick every three minutes."""
    began = there.now
    for place in range(OTHERS):
        there.report("completed", f"night-good-{place}", f"good-{place}")
    there.report(None, "night-gone", "gone")
    retries = dict(zip((20, 80, 160), RETRIED, strict=True))
    for minute in range(300):
        there.now = began + timedelta(minutes=30 + minute)
        for image, cause in [each[1:] for each in FAILURES if each[0] == minute]:
            fail(there, image, cause)
        if name := retries.get(minute):
            fail(there, name, DISK, run=f"{name}-1")
            retry(there, name, None, 10)
        if name := retries.get(minute - 12):
            retry(there, name, "completed", 1)
        if minute % 3 == 0:
            there.notifier.tick()
    lose_runner(there, began)
    while there.now < began + timedelta(hours=25):
        there.tick(minutes=15)


def lose_runner(there: Telling, at: datetime) -> None:
    """Let the running build be one that nothing was heard of since then."""
    with there.services.database.transaction() as connection:
        connection.execute(
            "UPDATE builds SET last_heard_at = %s WHERE build_number = 'night-gone'", [at]
        )


def test_one_night_of_60_images_is_told_in_eight_messages(there: Telling):
    one_night(there)
    said = messages(there)
    assert [(time, title) for time, title, _ in said] == [
        ("20:30", "✗ core/vsphere/rhel-9.4/vs-0 failed at 25, Security baseline"),
        ("20:48", "✗ 6 failed (1 cause)"),
        ("21:57", "✗ 2 failed (1 cause)"),
        ("23:15", "✗ core/aws/rhel-9.4/aws-1 failed at 5, Kickstart"),
        ("00:42", "✗ core/vsphere/rhel-9.4/vs-8 failed at 25, Security baseline"),
        ("01:44", "◌ core/aws-commercial/rhel-9.4/gone overdue at 25, Security baseline"),
        ("07:14", "✗ 11 of 60 images fail"),
        ("20:29", "✗ core/aws-commercial/rhel-9.4/gone lost at 25, Security baseline"),
    ]
    assert said[1][2][0].startswith("6 × no route to host 10.1.2.4, at 25, vSphere: ")
    digest = said[6][2]
    assert [line.partition(":")[0] for line in digest[:4]] == [
        "✗ 8 × no route to host 10.1.2.4, at 25",
        "✗ 2 × No space left on device, at 45",
        "✗ core/aws/rhel-9.4/aws-1 fails at 5",
        "◌ core/aws-commercial/rhel-9.4/gone is overdue at 25",
    ]


def test_two_hours_of_outage_with_spooled_failures_are_one_message(there: Telling):
    began = there.now
    for place in range(6):
        at = began + timedelta(minutes=10 * place)
        there.now = began + timedelta(hours=2, seconds=20 * place)
        fail(there, f"vs-{place}", NO_ROUTE, at=at)
        there.notifier.tick()
    there.report("completed", "night-good", "good", at=began + timedelta(minutes=30))
    for _ in range(12):
        there.tick(minutes=2)
    ((_, title, lines),) = messages(there)
    assert title == "Arrived late: ✗ 6 failed (1 cause)"
    assert lines[0].startswith("6 × no route to host 10.1.2.4, at 25, vSphere: ")
