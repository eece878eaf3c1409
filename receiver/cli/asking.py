"""What commands ask a receiver, and its answers from the database beside it.

remote.py has the same over HTTP; rows have the shapes of /api/v1.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from receiver.ingest import manual
from receiver.ingest.manual import Author
from receiver.ingest.replay import replay
from receiver.ingest.services import Services
from receiver.storage import audit, builds, deliveries, failures, overview, paging, statistics
from receiver.storage.audit import Actor
from receiver.storage.db import Row
from receiver.storage.deliveries import Filter
from receiver.storage.failures import Resolution
from receiver.web.filters import build_filter

Page = tuple[list[Row], str | None]


class Receiver(Protocol):
    """A receiver that answers: NotFound, Invalid, Forbidden, Pruned, Unavailable."""

    def builds(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """Builds that fit the filters of /builds."""
        ...

    def build(self, number: str) -> Row:
        """One build, whole."""
        ...

    def resume(self, number: str) -> Row:
        """state, safe, artifact."""
        ...

    def images(self) -> list[Row]:
        """The latest good artifacts of every combination."""
        ...

    def image(self, names: tuple[str, str, str], wanted: Mapping[str, str]) -> str:
        """One image's bare artifact id; `wanted` may hold region and project."""
        ...

    def failures(self, status: str, limit: int) -> list[Row]:
        """Those that are open, resolved or all, the newest first."""
        ...

    def resolve(self, failure_id: UUID, notes: str) -> None:
        """Mark a failure resolved."""
        ...

    def reopen(self, failure_id: UUID) -> None:
        """Mark a failure open again."""
        ...

    def deliveries(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """What came in, the newest first."""
        ...

    def unused(self, outcome: str) -> Iterator[UUID]:
        """Every delivery that is ignored or quarantined."""
        ...

    def replay(self, delivery_id: UUID) -> str:
        """Read a kept delivery again; gives its outcome."""
        ...

    def stats(self, part: str) -> list[Row]:
        """Of `combinations` or `stages`; `summary` is one row."""
        ...

    def create(self, number: str, said: Mapping[str, Any]) -> Row:
        """A build ahead of its first report; gives how it stands."""
        ...

    def cancel(self, number: str, said: Mapping[str, Any]) -> Row:
        """Nobody goes on with a build; gives how it stands."""
        ...

    def add(self, number: str, kind: str, said: Mapping[str, Any]) -> Row:
        """A state, failure or artifact of a build; gives how it stands."""
        ...

    def audit(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """Who changed what, the newest first."""
        ...


class Local:
    """The database that the settings name; `who` asks."""

    def __init__(self, services: Services, who: Actor) -> None:
        self._services, self._database, self._who = services, services.database, who

    def builds(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """As /builds finds them."""
        asked, stall_after = build_filter(wanted), self._services.config.stall_after

        def fetch(count: int, after: str | None) -> Page:
            found = builds.list_builds(self._database, asked, count, after, stall_after)
            return found.items, found.cursor

        return listed(fetch, limit, wanted)

    def build(self, number: str) -> Row:
        """As its page shows it."""
        return builds.find_build(self._database, number, self._services.config.stall_after)

    def resume(self, number: str) -> Row:
        """The build's resume point."""
        found: Row = self.build(number)["resume"]
        return found

    def images(self) -> list[Row]:
        """As /images lists them, the newest first."""
        return overview.built(self._database)

    def image(self, names: tuple[str, str, str], wanted: Mapping[str, str]) -> str:
        """The one image that fits; Invalid where several do."""
        return str(overview.image(self._database, names, wanted)["artifact_id"])

    def failures(self, status: str, limit: int) -> list[Row]:
        """As /failures knows them, without groups."""

        def fetch(count: int, after: str | None) -> Page:
            return failures.list_failures(self._database, status, count, after)

        return listed(fetch, limit, {})

    def resolve(self, failure_id: UUID, notes: str) -> None:
        """As the form of /failures does."""
        failures.resolve_failure(self._database, failure_id, Resolution(True, notes), self._who)

    def reopen(self, failure_id: UUID) -> None:
        """As the form of /failures does."""
        failures.resolve_failure(self._database, failure_id, Resolution(False), self._who)

    def deliveries(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """As /deliveries lists them."""

        def fetch(count: int, after: str | None) -> Page:
            return deliveries.list_page(self._database, Filter(**wanted), count, after)

        return listed(fetch, limit, wanted)

    def unused(self, outcome: str) -> Iterator[UUID]:
        """The oldest first."""
        return deliveries.ids(self._database, outcome)

    def replay(self, delivery_id: UUID) -> str:
        """With today's parsers, routes and stage map."""
        return replay(self._services, delivery_id, self._who).kind

    def stats(self, part: str) -> list[Row]:
        """Read now."""
        if part == "summary":
            now, stall_after = datetime.now(UTC), self._services.config.stall_after
            return [statistics.summary(self._database, now, stall_after)]
        read = (
            statistics.combination_statistics
            if part == "combinations"
            else statistics.stage_statistics
        )
        return read(self._database)

    def create(self, number: str, said: Mapping[str, Any]) -> Row:
        """As POST /api/v1/builds does."""
        author = Author(self._who)
        return manual.create(self._services, author, number, dict(said)).as_row()

    def cancel(self, number: str, said: Mapping[str, Any]) -> Row:
        """As POST /api/v1/builds/<build_number>/cancel does."""
        author = Author(self._who)
        return manual.cancel(self._services, author, number, dict(said)).as_row()

    def add(self, number: str, kind: str, said: Mapping[str, Any]) -> Row:
        """As POST /api/v1/builds/<build_number>/states does, and its likes."""
        author = Author(self._who)
        return manual.add(self._services, author, number, kind, dict(said)).as_row()

    def audit(self, wanted: Mapping[str, str], limit: int) -> list[Row]:
        """As /audit lists them."""

        def fetch(count: int, after: str | None) -> Page:
            return audit.list_changes(self._database, audit.AuditFilter(**wanted), count, after)

        return listed(fetch, limit, {})


def pages(fetch: Callable[[int, str | None], Page], count: int = paging.MAX_LIMIT) -> Iterator[Row]:
    """Every row of every page, so many on each."""
    after: str | None = None
    while True:
        items, after = fetch(count, after)
        yield from items
        if not after:
            return


def listed(
    fetch: Callable[[int, str | None], Page], limit: int, wanted: Mapping[str, str]
) -> list[Row]:
    """So many rows, over as many pages as that takes; only the newest first has pages."""
    count = min(limit, paging.MAX_LIMIT)
    if wanted.get("order", "newest") != "newest":
        return fetch(count, None)[0]
    return list(islice(pages(fetch, count), limit))
