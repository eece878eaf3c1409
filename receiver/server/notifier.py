"""The thread of a worker that tells people and programs: every few seconds it evaluates causes and
empties the outbox. Each worker has one, and a lock lets one evaluate."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from receiver.app import conninfo
from receiver.config import Config
from receiver.errors import Unavailable
from receiver.ingest.limits import limits
from receiver.ingest.rules import Rules
from receiver.server import notice_times
from receiver.server.background import attempt
from receiver.server.notice_evaluation import World, evaluate, write_messages
from receiver.server.notice_outbox import deliver
from receiver.storage.db import Database

EVERY_SECONDS = 3.0
MINUTE = timedelta(minutes=1)
CONNECTIONS = 2  # at most; one while nothing is sent


def start(config: Config, rules: Rules) -> None:
    """Start a thread that ends with the process."""
    arguments = [config, rules]
    threading.Thread(target=_run, args=arguments, name="notifier", daemon=True).start()


class Notifier:
    """Evaluates and sends; `clock` tells the time."""

    def __init__(
        self,
        config: Config,
        rules: Rules,
        database: Database,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.world = World(database, rules, config.external_url)
        self._clock, self._config = clock, config
        self._timed_at = datetime.min.replace(tzinfo=UTC)

    def tick(self) -> None:
        """Do what is due; a receiver of a standby leaves it to others.

        Raises Unavailable where the database is away.
        """
        if self.world.database.read_only_reason():
            return
        now = self._clock()
        if abs(now - self._timed_at) >= MINUTE:  # a clock may be set back
            self._timed_at = now
            notice_times.note(self.world, limits(self._config, self.world.rules), now)
        for batch in evaluate(self.world, now):
            write_messages(self.world, batch, now)
        deliver(self.world.database, self.world.rules.notices(), now)


def _run(config: Config, rules: Rules) -> None:
    pause = threading.Event()
    while True:
        database = Database(conninfo(config), size=CONNECTIONS, **config.pooling)
        database.open()
        try:
            _tell(Notifier(config, rules, database), pause)
        finally:
            database.close()
        while not _has_notices(rules):  # no connection is held meanwhile
            pause.wait(EVERY_SECONDS)


def _tell(notifier: Notifier, pause: threading.Event) -> None:
    """Tick until the file has no notice any more, and once after that: what is open is dropped."""
    is_last = False
    while not is_last:
        # Not all workers of all receivers at once.
        pause.wait(EVERY_SECONDS * random.uniform(0.7, 1.3))  # noqa: S311  # jitter is no secret
        is_last = not _has_notices(notifier.world.rules)
        attempt(notifier.tick, "notices wait", is_urgent=True)


def _has_notices(rules: Rules) -> bool:
    rules.renew()
    try:
        return bool(rules.notices().notices)
    except Unavailable:  # the database was away since this process began
        return False
