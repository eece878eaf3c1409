"""Drills on two PostgreSQL of which one must confirm each commit of the other."""

import signal
import time
from collections.abc import Callable, Iterator

import orjson
import psutil
import requests

from tests.support.replication import Pair, crash, replicated
from tests.support.senders import envelope, stage
from tests.torture.drills import Bound, Row, Stage, count, first, gap, staged, under_load
from tests.torture.load import ACCEPTED, Post
from tests.torture.machine import Receiver, Server, pause

AWAY_SECONDS = 65.0
FIRST_SECONDS, HANG_SECONDS, SWITCH_SECONDS = 3.0, 10.0, 6.0
HUNG_EACH = 2  # backends that may wait for the standby, of one receiver
READS = 200
# remote_apply: a standby shows what was told; with its delay, as docs/scale.md sets both.
SETTINGS = {"max_standby_streaming_delay": "2s", "hot_standby_feedback": "on"}


def kill(pair: Pair, on: Stage) -> None:
    """Kill every process of the primary; promote the standby a second later."""
    crash(pair.primary)
    on.breaks()
    pause(1)
    pair.standby.promote()
    on.heals()


def hang(pair: Pair, on: Stage) -> None:
    """Let the primary hang, its connections open; promote the standby a second later."""
    for process in _processes(pair.primary):
        process.send_signal(signal.SIGSTOP)
    on.breaks()
    pause(1)
    pair.standby.promote()
    on.heals()


def switch(pair: Pair, on: Stage) -> None:
    """Stop the primary in order, so that the standby has everything, and promote the standby."""
    on.breaks()
    pair.primary.stop("fast")
    pair.standby.promote()
    on.heals()


def fail_over(
    name: str, act: Callable[[Pair, Stage], None], *bounds: Callable[[Stage], Bound]
) -> Iterator[Row]:
    """Yield the row of a drill in which the standby becomes the primary."""
    with (
        replicated(**SETTINGS) as pair,
        staged(pair.url(), pair.url("prefer-standby")) as on,
    ):
        pair.must_confirm("remote_apply")
        under_load(on, lambda stage: act(pair, stage), lambda: _end(pair.primary))
        common, note = count(on)
        yield Row(name, [*(each(on) for each in bounds), *common], [note, _pages(on)])


def standby_away() -> Iterator[Row]:
    """Yield the row of a standby that is away: deliveries are refused, pages go on."""
    with replicated(**SETTINGS) as pair:
        url = pair.url()
        with staged(url, pair.url("prefer-standby"), pair.hanging) as on:
            pair.must_confirm("remote_apply")
            under_load(on, lambda stage: _be_away(pair, stage), lambda: None)
            common, note = count(on)
            hung = max(on.samples.values, default=0)
            bounds = [
                Bound("hanging backends", hung, HUNG_EACH * len(on.writers)),
                Bound("bad pages of a writer", on.writer_pages.bad(), 0),
                first(on, HANG_SECONDS),
            ]
            yield Row(f"standby away for {AWAY_SECONDS:.0f} s", [*bounds, *common], [note])


def _be_away(pair: Pair, on: Stage) -> None:
    pair.standby.stop("immediate")
    on.breaks()
    pause(AWAY_SECONDS)
    pair.standby.start()
    on.heals()


def false_answer() -> Iterator[Row]:
    """Yield the row of a delivery that only a primary has which is then lost: no 2xx before."""
    with replicated(**SETTINGS) as pair, staged(pair.url(), pair.url("prefer-standby")) as on:
        pair.must_confirm("remote_apply")
        post = _post("never-told")
        receiver = on.writers[0]
        pair.standby.stop("immediate")
        answers = [_answer(receiver, post)]  # it is on the primary's disk, and on no other
        crash(pair.primary)
        pair.primary.start()
        answers += [_answer(receiver, post) for _ in range(3)]
        crash(pair.primary)
        pair.standby.start()
        pair.standby.promote()
        told = sum(answer in ACCEPTED for answer in answers)
        last = _answer_in_time(receiver, post)
        on.load.offered[post.digest] = on.load.acknowledged[post.digest] = post
        on.pages.answers.append((time.monotonic(), 200))
        common, _ = count(on)
        bounds = [Bound("false 2xx", told, 0), Bound("not taken at the end", last != 202, 0)]
        yield Row("no false 200", [*bounds, *common[:2]], [f"answers {answers}, then {last}"])


def reads_own_writes() -> Iterator[Row]:
    """Yield the row of a page of the standby right after a 202 of the primary."""
    with replicated(**SETTINGS) as pair, staged(pair.url(), pair.url("prefer-standby")) as on:
        pair.must_confirm("remote_apply")
        stale = wrong = 0
        for index in range(READS):
            number = f"own-{index}"
            wrong += _answer(on.writers[index % 2], _post(number)) != 202
            stale += on.reader.status(f"/api/v1/builds/{number}") != 200
        standby = pair.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = "
            "'client backend' AND application_name LIKE 'milepost%'",
            pair.standby,
        )
        bounds = [Bound(f"stale of {READS}", stale, 0), Bound("not taken", wrong, 0)]
        bounds.append(Bound("reads that no standby served", standby[0] == 0, 0))
        yield Row("read your writes on a standby", bounds)


def _post(number: str) -> Post:
    return Post("milepost", orjson.dumps(envelope(stage("Base"), number=number, run=number)))


def _answer(receiver: Receiver, post: Post) -> int | None:
    try:
        return post.send(receiver.url).status_code
    except requests.RequestException:
        return None


def _answer_in_time(receiver: Receiver, post: Post) -> int | None:
    """Return the first answer of a primary, within thirty seconds."""
    for _ in range(60):
        answer = _answer(receiver, post)
        if answer in ACCEPTED:
            return answer
        pause(0.5)
    return None


def _processes(server: Server) -> list[psutil.Process]:
    main = psutil.Process(server.pid())
    return [main, *main.children(recursive=True)]


def _end(server: Server) -> None:
    """End a server that hangs, or that is dead already."""
    if (server.data / "postmaster.pid").exists() and psutil.pid_exists(server.pid()):
        crash(server)


def _pages(on: Stage) -> str:
    return f"pages of a writer were away for {on.writer_pages.gap():.1f} s"


DRILLS: dict[str, Callable[[], Iterator[Row]]] = {
    "killed": lambda: fail_over(
        "primary killed, standby promoted after 1 s", kill, lambda on: first(on, FIRST_SECONDS)
    ),
    "hangs": lambda: fail_over(
        "primary hangs, standby promoted after 1 s", hang, lambda on: gap(on, HANG_SECONDS)
    ),
    "switched": lambda: fail_over(
        "planned switchover of two PostgreSQL", switch, lambda on: gap(on, SWITCH_SECONDS)
    ),
    "away": standby_away,
    "false": false_answer,
    "own": reads_own_writes,
}
