"""A notice, as the notices file sets it: on what it speaks, of which images, and where. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from receiver.domain.model import DIMENSIONS

TYPES = (
    *("failed", "recovered", "overdue", "lost", "late", "completed"),
    *("quarantined", "silent-sender", "digest"),
)
PATTERNS = (*DIMENSIONS, "owner")
SETTLE = timedelta(minutes=15)
WEB = ("http", "https")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Target:
    """One address of a notice. `kind` is its scheme, such as `slack`. The address holds secrets: it
    is never shown, logged or stored."""

    kind: str
    address: str = field(repr=False)

    @property
    def is_web(self) -> bool:
        """Whether it takes JSON, signed as a Standard Webhook."""
        return self.kind in WEB

    @property
    def key(self) -> str:
        """What tells addresses apart and reveals nothing of them: 32 hex digits of SHA-256."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class DigestTime:
    """When a digest is due each day: a time of day in a zone."""

    clock: time
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime:
        """Return the first such time after a moment, in UTC."""
        day = moment.astimezone(self.zone).date() - DAY
        due = moment
        while due <= moment:
            due = datetime.combine(day, self.clock, self.zone).astimezone(UTC)
            day += DAY
        return due

    def __str__(self) -> str:
        return f"{self.clock:%H:%M} {self.zone.key}"


@dataclass(frozen=True, slots=True)
class Notice:
    """One [[notice]] of the file.

    `patterns` are those of dimensions and of the owner, with * and ?. After the first message of a
    window others wait for `settle`. Until `muted_until` it says nothing.
    """

    name: str
    on: frozenset[str]
    targets: tuple[Target, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    patterns: Mapping[str, str] = field(default_factory=dict)
    settle: timedelta = SETTLE
    digest: DigestTime | None = None
    muted_until: datetime | None = None

    def fits(self, names: Mapping[str, str | None], projects: Sequence[str] = ()) -> bool:
        """Return whether it is of such an image: `names` has the dimensions and the `owner`.

        `projects` are its project and those above it: a pattern of one of them fits.
        """
        texts = {name: [names.get(name) or ""] for name in PATTERNS}
        texts["project"] += projects
        return all(
            any(fnmatchcase(text, pattern) for text in texts[name])
            for name, pattern in self.patterns.items()
        )

    def is_muted(self, now: datetime) -> bool:
        """Return whether it says nothing now."""
        return self.muted_until is not None and now < self.muted_until
