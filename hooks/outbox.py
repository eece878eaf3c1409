"""The one way out for an envelope: into the spool first, then to the receiver, oldest first.

Written before it is sent, an envelope outlives a killed hook; sent twice, the receiver knows it by
its id. While the receiver is away, hooks only write for a minute and cost a build no time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hooks.client import Deadline, Json, Outcome, Receiver, encode, new_id
from hooks.errors import HookError, Kept
from hooks.spool import Entry, Spool, entries, folder_of

PAUSE = 0.02  # between two looks at a lock
LEAST_SECONDS = 0.25  # with less left, no further envelope is begun

Env = Mapping[str, str]


class Drained(NamedTuple):
    """What came of a spool: answers and refusals by message id, and why it is not empty."""

    answers: dict[str, Json]
    refusals: dict[str, str]
    problem: str = ""


def deliver(document: Json, env: Env, deadline: Deadline | None = None) -> Json:
    """Send what waits, then this; Kept where it waits in the spool, HookError where it was refused.

    Gives the receiver's answer; {} where another hook sent it meanwhile.
    """
    deadline = deadline or Deadline()
    receiver, body = Receiver(env), encode(document)
    spool = Spool(folder_of(env), receiver.url, deadline.clock)
    message_id = new_id()
    try:
        spool.prepare()
        mine = spool.keep(message_id, body)
    except OSError as error:  # a full or read-only disk
        return _unkept(spool, receiver, Unkept(message_id, body, error), deadline)
    _say_dropped(spool)
    return _in_turn(spool, mine, receiver, deadline)


def flush(env: Env, deadline: Deadline) -> tuple[Drained, int]:
    """Send all that waits, whatever address it was meant for; gives what came of it, and the rest.

    Takes as long as the receiver takes them: each has a budget of its own.
    """
    receiver = Receiver(env)
    spool = Spool(folder_of(env), receiver.url, deadline.clock)
    spool.prepare()
    _say_dropped(spool)
    with spool.turn(lambda: deadline.pause(PAUSE)) as is_ours:
        if not is_ours:
            raise HookError("not sent: another hook is sending")
        drained = _drain(spool, entries(spool.new), receiver, None)
    return drained, len(entries(spool.new))


def _in_turn(spool: Spool, mine: Entry, receiver: Receiver, deadline: Deadline) -> Json:
    """Send all up to now; who holds the lock sends for those who wait for it."""

    def wait() -> bool:
        return mine.path.exists() and not spool.is_resting() and deadline.pause(PAUSE)

    drained = Drained({}, {})
    if not spool.is_resting():
        with spool.turn(wait) as is_ours:
            if is_ours and not spool.is_resting() and mine.path.exists():
                drained = _drain(spool, spool.waiting(), receiver, deadline)
    if mine.path.exists():
        away = "the receiver was away a moment ago" if spool.is_resting() else "others are sending"
        problem = drained.problem or away
        raise Kept(f"not reported yet: {problem}; {len(spool.waiting())} in the spool")
    if spool.is_refused(mine):
        refusal = drained.refusals.get(mine.message_id, "the receiver refuses it")
        raise HookError(f"not reported: {refusal}")
    if drained.refusals:
        _say(f"the receiver refuses {len(drained.refusals)}, set aside in {spool.refused}")
    return drained.answers.get(mine.message_id, {})


def _drain(
    spool: Spool, waiting: Iterable[Entry], receiver: Receiver, deadline: Deadline | None
) -> Drained:
    """Send in order until one is not taken; the spool rests where none was."""
    drained = Drained({}, {})
    for entry in waiting:
        budget = deadline or Deadline(clock=spool.clock)
        if budget.left() < LEAST_SECONDS:
            return drained._replace(problem="there was no time left")
        try:
            body = entry.path.read_bytes()
        except FileNotFoundError:  # dropped, or sent to another address
            continue
        outcome = receiver.post(entry.message_id, body, budget)
        if outcome.answer is not None:
            drained.answers[entry.message_id] = outcome.answer
            entry.path.unlink(missing_ok=True)
        elif outcome.is_refused:
            drained.refusals[entry.message_id] = outcome.problem
            spool.set_aside(entry)
        else:
            if not drained.answers:
                spool.rest()
            return drained._replace(problem=outcome.problem)
    spool.wake()
    return drained


class Unkept(NamedTuple):
    """What the disk did not take."""

    message_id: str
    body: bytes
    error: OSError


def _unkept(spool: Spool, receiver: Receiver, unkept: Unkept, deadline: Deadline) -> Json:
    """Post what cannot be kept; still it overtakes nothing."""
    problem = _problem_before(spool, receiver, deadline)
    outcome = Outcome(problem=problem)
    if not problem:
        outcome = receiver.post(unkept.message_id, unkept.body, deadline)
    if outcome.answer is None:
        why = unkept.error.strerror or str(unkept.error)
        kept = "" if outcome.is_refused else f"; not kept either: {why}"
        raise HookError(f"not reported: {outcome.problem}{kept}")
    return outcome.answer


def _problem_before(spool: Spool, receiver: Receiver, deadline: Deadline) -> str:
    """Send what could be kept before the disk was full; why not all of it was sent."""
    try:
        spool.prepare()
        with spool.turn(lambda: deadline.pause(PAUSE)) as is_ours:
            if not is_ours:
                return "others are sending"
            return _drain(spool, spool.waiting(), receiver, deadline).problem
    except OSError:  # no spool at all
        return ""


def _say_dropped(spool: Spool) -> None:
    dropped = spool.trim()
    if dropped:
        _say(f"the spool is too large or too old, dropped its oldest {dropped}")


def _say(text: str) -> None:
    print(f"milepost: {text}", file=sys.stderr)
