"""The verdict on a receiver: what it acknowledged, what it stored, what it folded."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg

from tests.support.table_rows import rows
from tests.torture.load import ACCEPTED, Load, Post
from tests.torture.machine import Receiver

SLOW_SECONDS = 30.0  # far more than promised: other load on this machine is no defect
REPLAYERS = 4
HEADS = (
    *("fault", "offered", "acknowledged", "stored", "duplicated"),
    *("slowest recovery", "slowest answer", "slowest 503", "answers"),
)


@dataclass(frozen=True)
class Verdict:
    """One line of the table; `problems` is empty if all is as promised."""

    code: str
    name: str
    offered: int = 0
    acknowledged: int = 0
    stored: int = 0
    duplicated: int = 0
    recovery: float = 0.0
    slowest: float = 0.0
    refusal: float = 0.0  # the slowest 503
    answers: str = ""
    problems: tuple[str, ...] = ()
    not_run: str = ""


@dataclass(frozen=True)
class Inbox:
    """The number of rows of each body, and of rows that no sender offered."""

    counts: Counter[str]
    unknown: int


def read_inbox(url: str, offered: dict[str, Post]) -> Inbox:
    """Return the contents of `deliveries`."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT encode(body_sha256, 'hex'), count(*) FROM deliveries GROUP BY 1"
        ).fetchall()
    counts = Counter({digest: count for digest, count in rows if digest in offered})
    return Inbox(counts, len(rows) - len(counts))


def judge(code: str, name: str, load: Load, inbox: Inbox, healed: float) -> Verdict:
    """Compare the answers with the inbox."""
    lost = load.acknowledged.keys() - inbox.counts.keys()
    unanswered = load.offered.keys() - load.acknowledged.keys()
    duplicated = sum(count - 1 for count in inbox.counts.values())
    slowest = max((each.seconds for each in load.tries if each.answer), default=0.0)
    problem_counts = Counter(each.problem for each in load.tries if each.answer and each.problem)
    problems = [
        *([f"{len(lost)} acknowledged deliveries are lost"] if lost else []),
        *([f"{duplicated} deliveries are there twice"] if duplicated else []),
        *([f"{len(unanswered)} deliveries were never taken"] if unanswered else []),
        *(f"{count} times: {text}" for text, count in problem_counts.items()),
        *([f"an answer took {slowest:.0f} s"] if slowest > SLOW_SECONDS else []),
    ]
    recovery = load.recovery(healed)
    if recovery > SLOW_SECONDS:
        problems.append(f"recovery took {recovery:.0f} s")
    return Verdict(
        code,
        name,
        offered=len(load.offered),
        acknowledged=len(load.acknowledged),
        stored=len(inbox.counts),
        duplicated=duplicated,
        recovery=recovery,
        slowest=slowest,
        refusal=max((each.seconds for each in load.tries if each.answer == 503), default=0.0),
        answers=_answers(load),
        problems=tuple(problems),
    )


def replay(posts: list[Post], receiver: Receiver) -> None:
    """Post everything again, in another order, to a receiver of an empty database."""
    shuffled = sorted(posts, key=lambda post: post.digest)
    random.Random(7).shuffle(shuffled)
    with ThreadPoolExecutor(REPLAYERS) as pool:
        statuses = Counter(pool.map(lambda post: post.send(receiver.url).status_code, shuffled))
    assert all(status in ACCEPTED for status in statuses), statuses


def differences(url: str, expected_url: str) -> list[str]:
    """Return a problem for each table whose rows are not the fold of the events."""
    actual, expected = rows(url), rows(expected_url)
    return [
        f"{name}: {len(set(actual[name]) ^ set(expected[name]))} rows differ"
        for name in expected
        if actual[name] != expected[name]
    ]


def _answers(load: Load) -> str:
    counts = Counter(
        "2xx" if each.answer in ACCEPTED else str(each.answer or "no answer") for each in load.tries
    )
    return ", ".join(f"{count} {answer}" for answer, count in sorted(counts.items()))


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value else "-"


def table(verdicts: list[Verdict]) -> str:
    """Return the table, one line a fault, and the problems below it."""
    lines = [" | ".join(HEADS)]
    for each in verdicts:
        label = f"{each.code} {each.name}"
        if each.not_run:
            lines.append(f"{label} | not run: {each.not_run}")
            continue
        lines.append(
            f"{label} | {each.offered} | {each.acknowledged} | {each.stored} | {each.duplicated} | "
            f"{each.recovery:.1f} s | {each.slowest:.1f} s | {_seconds(each.refusal)} | "
            f"{each.answers}"
        )
    problems = [f"{each.code}: {problem}" for each in verdicts for problem in each.problems]
    return "\n".join(
        [*lines, "", *(problems or ["Nothing lost, nothing twice, every fold right."])]
    )
