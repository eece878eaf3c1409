"""The one way out for an envelope: into the spool first, then to the receiver, oldest first.

An envelope that is written before it is sent outlives a killed hook; the receiver recognises one
that is sent twice by its id. While the receiver is unreachable, hooks only write for a minute, so
that they cost a build no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hooks import identity
from hooks.answers import Outcome
from hooks.client import Deadline, Json, Receiver, add_names, encode, new_message_id
from hooks.errors import DeliveryPending, HookError
from hooks.spool import Entry, Spool, entries, folder_of
from hooks.streams import complain

LOCK_PAUSE_SECONDS = 0.02
BACKLOG_SECONDS = 2.0  # for what waits from before; then the call's own envelope goes
MIN_SECONDS = 0.25  # with less time left, no further envelope is begun

Env = Mapping[str, str]


class SpoolResult(NamedTuple):
    """Answers and refusals by message id; `problem` says why the spool is not empty."""

    answers: dict[str, Json]
    refusals: dict[str, str]
    problem: str = ""


def deliver(document: Json, env: Env, deadline: Deadline | None = None) -> Json:
    """Send the spooled envelopes, then this one; return its answer, {} if another hook sent it.

    Raises DeliveryPending if it stays in the spool, HookError if it was refused.
    """
    deadline = deadline or Deadline()
    receiver, body = Receiver(env), encode(add_names(document, identity.names(env)))
    spool = Spool(folder_of(env), receiver.url, deadline.clock)
    message_id = new_message_id()
    try:
        spool.prepare()
        entry = spool.add(message_id, body)
    except OSError as error:  # a full or read-only disk
        problem = _send_earlier(spool, receiver, deadline)  # nothing is overtaken
        outcome = Outcome(problem=problem) if problem else receiver.post(message_id, body, deadline)
        return _unspooled_answer(outcome, error)
    _trim(spool)
    return _send_through(spool, entry, receiver, deadline)


def flush(env: Env, deadline: Deadline, refused: bool = False) -> tuple[SpoolResult, int]:
    """Send the whole spool, whatever its addresses; return the result and the number left.

    `refused` sends what was set aside, too.

    The deadline is for the lock alone: each envelope has a budget of its own. Raises HookError.
    """
    receiver = Receiver(env)
    spool = Spool(folder_of(env), receiver.url, deadline.clock)
    spool.prepare()
    _trim(spool)
    with spool.lock(lambda: deadline.pause(LOCK_PAUSE_SECONDS)) as is_locked:
        if not is_locked:
            raise HookError("not sent: another hook is sending")
        if refused:
            spool.restore()
        result = _drain(spool, spool.in_order(entries(spool.new)), receiver, None)
    return result, len(entries(spool.new))


def _send_through(spool: Spool, entry: Entry, receiver: Receiver, deadline: Deadline) -> Json:
    """Send everything up to now; the holder of the lock sends for those that wait for it."""

    def wait() -> bool:
        is_spooled = entry.path.exists() and not spool.is_backing_off()
        return is_spooled and deadline.pause(LOCK_PAUSE_SECONDS)

    result = SpoolResult({}, {})
    if not spool.is_backing_off():
        with spool.lock(wait) as is_locked:
            if is_locked and not spool.is_backing_off() and entry.path.exists():
                result = _drain_with(entry, spool, receiver, deadline)
    if entry.path.exists():
        raise DeliveryPending(
            f"not reported yet: {result.problem or _reason(spool)}; "
            f"{len(spool.pending())} in the spool"
        )
    if spool.is_refused(entry):
        refusal = result.refusals.get(entry.message_id, "the receiver refused it")
        raise HookError(f"not reported: {refusal}")
    if result.refusals:
        _warn(f"the receiver refused {len(result.refusals)}, moved to {spool.refused}")
    return result.answers.get(entry.message_id, {})


def _reason(spool: Spool) -> str:
    if spool.is_backing_off():
        return "the receiver was unreachable a moment ago"
    return "another hook is sending"


def _drain_with(entry: Entry, spool: Spool, receiver: Receiver, deadline: Deadline) -> SpoolResult:
    """Send what waits, for BACKLOG_SECONDS at most, and the call's own entry in any case."""
    pending = spool.pending()
    backlog = Deadline(min(BACKLOG_SECONDS, deadline.remaining()), deadline.clock)
    if len(pending) <= 1:
        return _drain(spool, pending, receiver, deadline)
    result = _drain(spool, pending, receiver, deadline, backlog)
    if not entry.path.exists() or spool.is_backing_off():
        return result
    last = _drain(spool, [entry], receiver, deadline)
    return SpoolResult(
        {**result.answers, **last.answers}, {**result.refusals, **last.refusals}, last.problem
    )


def _drain(
    spool: Spool,
    pending: Iterable[Entry],
    receiver: Receiver,
    deadline: Deadline | None,
    backlog: Deadline | None = None,
) -> SpoolResult:
    """Send in order until one is not taken or `backlog` is over; back off if none was taken."""
    result = SpoolResult({}, {})
    for entry in pending:
        budget = deadline or Deadline(clock=spool.clock)
        if budget.remaining() < MIN_SECONDS or (backlog and not backlog.remaining()):
            return result._replace(problem="there was no time left")
        try:
            body = entry.path.read_bytes()
        except FileNotFoundError:  # dropped, or sent to another address
            continue
        outcome = receiver.post(entry.message_id, body, budget)
        if outcome.answer is not None:
            result.answers[entry.message_id] = outcome.answer
            entry.path.unlink(missing_ok=True)
        elif outcome.is_refused:
            result.refusals[entry.message_id] = outcome.problem
            spool.refuse(entry)
        else:
            if outcome.is_foreign:
                spool.count_foreign(entry)
            if not result.answers:
                spool.back_off()
            return result._replace(problem=outcome.problem)
    spool.end_back_off()
    return result


def _send_earlier(spool: Spool, receiver: Receiver, deadline: Deadline) -> str:
    """Send the envelopes spooled before the disk was full; return why some are left."""
    try:
        spool.prepare()
        with spool.lock(lambda: deadline.pause(LOCK_PAUSE_SECONDS)) as is_locked:
            if not is_locked:
                return "another hook is sending"
            return _drain(spool, spool.pending(), receiver, deadline).problem
    except OSError:  # no spool at all
        return ""


def _unspooled_answer(outcome: Outcome, error: OSError) -> Json:
    if outcome.answer is None:
        reason = "" if outcome.is_refused else f"; not spooled: {error.strerror or error}"
        raise HookError(f"not reported: {outcome.problem}{reason}")
    return outcome.answer


def _trim(spool: Spool) -> None:
    dropped = spool.trim()
    if dropped:
        _warn(f"the spool was too large or too old, dropped its oldest {dropped}")


def _warn(text: str) -> None:
    complain(f"milepost: {text}")
