"""Whether a receiver kept its promise: what it acknowledged, what it holds, what it folded."""

import random
import threading
from collections import Counter
from dataclasses import dataclass

import psycopg

from tests.support.table_rows import rows
from tests.torture.load import TAKEN, Load, Post
from tests.torture.machine import Receiver

SLOW_SECONDS = 30.0  # far more than promised: another load on this machine is no defect
REPLAYERS = 4
HEADS = (
    *("fault", "offered", "acknowledged", "found", "duplicated"),
    *("slowest recovery", "slowest answer", "slowest 503", "answers"),
)


@dataclass(frozen=True)
class Verdict:
    """One line of the table; `problems` is empty where all is as promised."""

    code: str
    name: str
    offered: int = 0
    acknowledged: int = 0
    found: int = 0
    duplicated: int = 0
    recovery: float = 0.0
    slowest: float = 0.0
    refusal: float = 0.0  # the slowest 503
    answers: str = ""
    problems: tuple[str, ...] = ()
    not_run: str = ""


@dataclass(frozen=True)
class Kept:
    """The inbox: how many rows each body has, and how many rows no sender offered."""

    counts: Counter[str]
    strange: int


def kept(url: str, offered: dict[str, Post]) -> Kept:
    """What is in `deliveries`."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT encode(body_sha256, 'hex'), count(*) FROM deliveries GROUP BY 1"
        ).fetchall()
    counts = Counter({digest: count for digest, count in found if digest in offered})
    return Kept(counts, len(found) - len(counts))


def judge(code: str, name: str, load: Load, inbox: Kept, healed: float) -> Verdict:
    """Compare what was answered with what is there."""
    lost = load.acknowledged.keys() - inbox.counts.keys()
    unanswered = load.offered.keys() - load.acknowledged.keys()
    doubled = sum(count - 1 for count in inbox.counts.values())
    slowest = max((each.took for each in load.tries if each.answer), default=0.0)
    wrong = Counter(each.problem for each in load.tries if each.answer and each.problem)
    problems = [
        *([f"{len(lost)} acknowledged deliveries are lost"] if lost else []),
        *([f"{doubled} deliveries are there twice"] if doubled else []),
        *([f"{len(unanswered)} deliveries were never taken"] if unanswered else []),
        *(f"{count} times: {text}" for text, count in wrong.items()),
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
        found=len(inbox.counts),
        duplicated=doubled,
        recovery=recovery,
        slowest=slowest,
        refusal=max((each.took for each in load.tries if each.answer == 503), default=0.0),
        answers=_answers(load),
        problems=tuple(problems),
    )


def replayed(posts: list[Post], receiver: Receiver) -> None:
    """Post everything once more, in another order, to a receiver of an empty database."""
    shuffled = sorted(posts, key=lambda post: post.digest)
    random.Random(7).shuffle(shuffled)
    refused: list[int] = []

    def send(part: int) -> None:
        for post in shuffled[part::REPLAYERS]:
            answer = post.send(receiver.url)
            if answer.status_code not in TAKEN:
                refused.append(answer.status_code)

    threads = [threading.Thread(target=send, args=[part]) for part in range(REPLAYERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not refused, Counter(refused)


def different(url: str, expected: str) -> list[str]:
    """The tables whose rows are not the fold of the events."""
    found, wanted = rows(url), rows(expected)
    return [
        f"{name}: {len(set(found[name]) ^ set(wanted[name]))} rows differ"
        for name in wanted
        if found[name] != wanted[name]
    ]


def _answers(load: Load) -> str:
    counts = Counter(
        "2xx" if each.answer in TAKEN else str(each.answer or "no answer") for each in load.tries
    )
    return ", ".join(f"{count} {answer}" for answer, count in sorted(counts.items()))


def _seconds(spent: float) -> str:
    return f"{spent:.1f} s" if spent else "-"


def table(verdicts: list[Verdict]) -> str:
    """The table, one line a fault, and below it what went wrong."""
    lines = [" | ".join(HEADS)]
    for each in verdicts:
        label = f"{each.code} {each.name}"
        if each.not_run:
            lines.append(f"{label} | not run: {each.not_run}")
            continue
        lines.append(
            f"{label} | {each.offered} | {each.acknowledged} | {each.found} | {each.duplicated} | "
            f"{each.recovery:.1f} s | {each.slowest:.1f} s | {_seconds(each.refusal)} | "
            f"{each.answers}"
        )
    wrong = [f"{each.code}: {problem}" for each in verdicts for problem in each.problems]
    return "\n".join([*lines, "", *(wrong or ["Nothing lost, nothing twice, every fold right."])])
