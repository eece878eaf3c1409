"""Empty the outbox of notices: claim messages, send them, and note what became of each.

A message is tried for a day, later and later. A receiver that dies between sending and noting
leaves a claim that runs out: the message is then sent again, with the same id.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from receiver import log
from receiver.domain.notices.notice import DAY, Notice, Target
from receiver.ingest.notice_settings import NoticeSettings
from receiver.server.background import attempt
from receiver.server.notice_sending import Answer, Message, send
from receiver.storage import notices as storage
from receiver.storage.db import Database, Row

PAUSES = (5, 15, 60, 120, 300, 600, 900)  # seconds before the next tries; the last one stays
CLAIM = timedelta(minutes=3)
EACH = 5  # messages to one address at a time
THREADS = 4  # addresses at a time
PATIENCE_SECONDS = 20.0  # so long a slow address holds up others

Found = tuple[Notice, Target]


def deliver(database: Database, settings: NoticeSettings, now: datetime) -> int:
    """Send what is due. Return how many messages were tried."""
    with database.transaction() as connection:
        rows = storage.claim_messages(connection, now, now + CLAIM, EACH)
    by_target = defaultdict(list)
    for row in rows:
        by_target[row["target_key"]].append(row)
    if not by_target:
        return 0
    for groups in batched(by_target.values(), THREADS):
        # They end with the process, which waits for the threads of an executor.
        threads = [
            threading.Thread(target=_work, args=[database, settings, own, now], daemon=True)
            for own in groups
        ]
        for each in threads:
            each.start()
        until = time.monotonic() + PATIENCE_SECONDS
        for each in threads:  # one that still hangs keeps its claim until that runs out
            each.join(max(0.0, until - time.monotonic()))
    return len(rows)


def batched(groups: Iterable[list[Row]], size: int) -> Iterator[list[list[Row]]]:
    """Yield lists of at most so many groups."""
    rest = iter(groups)
    while some := list(islice(rest, size)):
        yield some


def _work(database: Database, settings: NoticeSettings, rows: Sequence[Row], now: datetime) -> None:
    """Send messages; where that breaks off the claim runs out, and all is tried again."""
    task = partial(_send_all, database, settings, rows, now)
    attempt(task, "notices wait", is_urgent=True)


def _send_all(
    database: Database, settings: NoticeSettings, rows: Sequence[Row], now: datetime
) -> None:
    """Send messages to one address in turn; where nobody answers, the others wait as well."""
    is_away = False
    for row in rows:
        answer = None if is_away else _tried(settings, row, now)
        is_away = is_away or (answer is not None and answer.is_away)
        with database.transaction() as connection:
            storage.note_try(connection, row["id"], outcome(row, answer, now))


def _tried(settings: NoticeSettings, row: Row, now: datetime) -> Answer:
    found = _find(settings, row)
    if found is None:
        return Answer("the notice or its address is no longer in the file", is_gone=True)
    notice, target = found
    message = Message(row["id"], row["title"], row["body"], row["document"])
    answer = send(target, notice.secrets, message, now)
    said = {"notice": notice.name, "kind": target.kind, "message": str(row["id"])}
    if answer.problem:
        log.get().warning("notice not sent", problem=answer.problem, **said)
    else:
        log.get().info("notice sent", **said)
    return answer


def _find(settings: NoticeSettings, row: Row) -> Found | None:
    notice = settings.find(row["notice"])
    targets = notice.targets if notice else ()
    target = next((each for each in targets if each.key == row["target_key"]), None)
    return (notice, target) if notice and target else None


def outcome(row: Row, answer: Answer | None, now: datetime) -> Row:
    """Return the columns after a try; None is no try, behind a message that failed; pure."""
    tries = row["tries"] + (answer is not None)
    noted = {"tried": int(answer is not None), "sent_at": None, "given_up_at": None}
    if answer is not None and answer.problem is None:
        return {**noted, "sent_at": now, "next_at": now, "problem": None}
    problem = answer.problem if answer else "waits behind another message"
    pause = timedelta(seconds=PAUSES[min(max(tries, 1), len(PAUSES)) - 1])
    if answer and answer.wait:
        pause = max(pause, answer.wait)
    is_over = now - row["created_at"] >= DAY or (answer is not None and answer.is_gone)
    return {
        **noted,
        "given_up_at": now if is_over else None,
        "next_at": now + pause,
        "problem": problem,
    }
