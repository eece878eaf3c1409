"""The nights of the demo as envelopes of our hooks; pure, and the same at each run of one day."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from receiver.cli import demo_data
from receiver.cli.demo_causes import CAUSES, Cause
from receiver.cli.demo_data import STAGES
from receiver.cli.demo_plans import Plan, by_chance, images, nights_of, planned, told
from receiver.domain.model import Json

MOST_IMAGES = 300  # of a history of many builds


class Timed(NamedTuple):
    """A stage of a build, with its seconds."""

    name: str
    state: int
    seconds: float


def fourteen_nights(now: datetime) -> Iterator[Json]:
    """Yield the reports of fourteen nights of every image, the oldest build first."""
    plans = (
        planned(image, night, now)
        for image in images()
        for night in nights_of(image.family)
        if told(image, night)[0] != "missing"
    )
    for plan in sorted(plans, key=lambda plan: plan.began):
        yield from reports(plan, now)


def envelopes(builds: int, now: datetime) -> Iterator[Json]:
    """Yield the reports of that many builds up to now, the oldest build first.

    They are of up to 300 images, and fail by chance.
    """
    count = max(1, min(MOST_IMAGES, builds // 6 or builds))
    every = images(1 + count // len(images()))[:count]
    for left in range(builds - 1, -1, -1):
        night, place = divmod(left, count)
        yield from reports(by_chance(every[place], night, now), now)


def reports(plan: Plan, now: datetime) -> Iterator[Json]:
    """Yield the envelope of each attempt of a build."""
    chance = plan.chance
    events, end = _attempt(plan, plan.began, chance)
    yield envelope(plan, 1, events, now)
    if plan.what in CAUSES and plan.retried:
        again = end + timedelta(minutes=chance.uniform(2, 9))
        events, _ = _attempt(plan._replace(what=""), again, chance)
        yield envelope(plan, 2, events, now)


def envelope(plan: Plan, attempt: int, events: list[Json], now: datetime) -> Json:
    """Return what our hooks would say of an attempt."""
    project, platform, os_version, image_type = plan.image.names
    build = {"number": plan.number, "project": project, "platform": platform}
    build |= {"os_version": os_version, "image_type": image_type}
    build["created_by"] = plan.chance.choice(demo_data.PEOPLE)
    document = {"version": 1, "build": build, "run": _run(plan, attempt), "events": events}
    return document | ({"sources": sources} if (sources := _sources(plan, now)) else {})


def _run(plan: Plan, attempt: int) -> Json:
    project, platform = plan.image.names[:2]
    changes = Random(f"{project}/{plan.night // 2}")  # noqa: S311  # only to look real
    forge = demo_data.FORGES[plan.image.family.project]
    url = forge.format(
        project=project,
        image=plan.image.slug,
        run=plan.chance.randrange(10**6, 10**7),
        try_=attempt,
    )
    is_new = plan.night < 4  # a release of Packer came out that day
    return {
        "key": f"demo:{plan.number}:{attempt}",
        "attempt": attempt,
        "url": url,
        "commit": f"{changes.getrandbits(160):040x}",
        "branch": "main",
        "default_branch": "main",
        "packer_version": "1.12.0" if is_new else "1.11.2",
        "plugins": {demo_data.BUILDERS[platform]: "1.3.4" if is_new else "1.3.2"},
    }


def _sources(plan: Plan, now: datetime) -> list[Json]:
    """Return what a build started from: the newest good base of its platform and OS version."""
    image = plan.image
    base = next(
        (
            each
            for each in images()
            if each.family.image_type == image.family.base and each.names[1:3] == image.names[1:3]
        ),
        None,
    )
    if base is None:
        return []
    night = next(n for n in range(plan.night, 99) if planned(base, n, now).is_good)
    made = artifacts(planned(base, night, now))[0]
    return [{name: made[name] for name in ("artifact_id", "region") if made[name]}]


def artifacts(plan: Plan) -> list[Json]:
    """Return what a build makes: an artifact for each region of its platform."""
    platform = plan.image.platform
    ids = Random(f"{plan.number}/artifacts")  # noqa: S311  # only to look real
    return [
        {
            "artifact_id": demo_data.ARTIFACTS[platform].format(
                id=f"{ids.getrandbits(68):017x}", name=plan.number.replace(".", "-")
            ),
            "region": region,
            "builder_type": demo_data.BUILDERS[platform],
        }
        for region in demo_data.REGIONS.get(platform, (None,))
    ]


def _attempt(plan: Plan, began: datetime, chance: Random) -> tuple[list[Json], datetime]:
    """Return the events of an attempt, and its end: a stage ends where the next one begins."""
    cause, events, at = CAUSES.get(plan.what), list[Json](), began
    for name, state, seconds in timed_stages(plan, chance):
        events.append(stage(name, state, "started", at))
        if plan.what == "running" and name == "Application":
            return events, at
        at += timedelta(seconds=seconds)
        if plan.what == "cancelled" and name == "Security baseline":
            return [*events, verdict("cancelled", at)], at
        if cause and cause.stage == name:
            failed = stage(name, state, "failed", at) | {"failure": _failure(cause, chance)}
            return [*events, failed, verdict("failed", at)], at
    return [*events, *endings(plan, at)], at


def timed_stages(plan: Plan, chance: Random) -> Iterator[Timed]:
    """Yield each stage of a build."""
    for name, state, usual in STAGES:
        slow = 1.8 if plan.what == "slow" and name == "Application" else 1
        seconds = usual * plan.image.family.pace * slow * chance.uniform(0.88, 1.2)
        yield Timed(name, state, seconds)


def stage(name: str, state: int, status: str, at: datetime) -> Json:
    """Return an event of a stage."""
    return {"kind": "stage", "stage": name, "state": state, "status": status, "at": _text(at)}


def verdict(status: str, at: datetime) -> Json:
    """Return the event that ends a build."""
    return {"kind": "build", "status": status, "at": _text(at)}


def endings(plan: Plan, at: datetime) -> Iterator[Json]:
    """Yield the events at the end of a good build: verdict, artifacts and checks."""
    for artifact in artifacts(plan):
        yield {"kind": "artifact", "at": _text(at), "artifact": artifact}
    yield verdict("completed", at)
    for check in _checks(plan, at):
        yield {"kind": "check", "at": _text(at), "check": check}


def _checks(plan: Plan, at: datetime) -> Iterator[Json]:
    """Yield the tests of an image, and the scan of those that have packages from a distribution."""
    yield {
        "name": "goss",
        "kind": "tests",
        "status": "passed",
        "counts": {"passed": 148, "failed": 0},
        "tool": "goss",
        "tool_version": "0.4.9",
    }
    if plan.image.os_version.startswith("windows"):
        return
    counts = {"critical": int(plan.night == 5), "high": plan.chance.randrange(4)}
    yield {
        "name": "trivy",
        "kind": "scan",
        "status": "failed" if counts["critical"] else "passed",
        "counts": counts | {"medium": 11},
        "tool": "trivy",
        "tool_version": "0.58.1",
        "database_at": _text(at - timedelta(hours=3)),
    }


def _failure(cause: Cause, chance: Random) -> Json:
    varying: Mapping[str, object] = {
        "host": f"10.20.{chance.randrange(4)}.{chance.randrange(2, 250)}",
        "seconds": chance.randrange(20, 900),
    }
    failure = {
        "type": cause.type,
        "component": cause.component,
        "message": cause.message.format(**varying),
    }
    log = [line.format(**varying) for line in cause.log]
    return failure | ({"details": {"log": log}} if log else {})


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
