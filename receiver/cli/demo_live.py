"""Builds that move while somebody looks: one of them ends or begins a stage every second."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from threading import Event

import click

from receiver.cli import demo_data, demo_history, demo_plans
from receiver.cli.demo_history import Timed
from receiver.cli.demo_plans import Plan
from receiver.cli.demo_receiver import Receiver
from receiver.domain.model import Json
from receiver.errors import MilepostError

AT_ONCE = 4
PAUSE = 1.0  # seconds until the next build moves
LEFT = 0.35  # of the stages, that are still to come when a build appears


def run(receiver: Receiver, ended: Event) -> None:
    """Move the builds until `ended` is set, then bring them to their end."""
    images = cycle(map(demo_plans.image_of, demo_data.LIVE))
    moving = [build(begun(image)) for image in islice(images, AT_ONCE)]
    try:
        while not ended.is_set():
            first, *moving = moving
            document = next(first, None)
            if document:
                receiver.post(document)
            moving.append(first if document else build(begun(next(images))))
            ended.wait(PAUSE)
        for rest in moving:
            for document in rest:
                receiver.post(document)
    except MilepostError as error:
        click.echo(f"milepost: no build moves any more: {error}", err=True)
        ended.set()


def begun(image: demo_plans.Image) -> Plan:
    """Return a build that has run for most of its usual time by now."""
    now = datetime.now(UTC)
    plan = Plan(image, 0, now, suffix=f"-{now:%H%M%S}")
    past, _ = _parts([*demo_history.timed_stages(plan, plan.chance)])
    return plan._replace(began=now - timedelta(seconds=sum(each.seconds for each in past)))


def build(plan: Plan) -> Iterator[Json]:
    """Yield what a hook reports at each move, at its time."""
    past, left = _parts([*demo_history.timed_stages(plan, plan.chance)])
    at, events = plan.began, list[Json]()
    for each in past:
        events.append(demo_history.stage(each.name, each.state, "started", at))
        at += timedelta(seconds=each.seconds)
    for each in left:
        begins = demo_history.stage(each.name, each.state, "started", datetime.now(UTC))
        yield _said(plan, [*events, begins])
        events = []
    yield _said(plan, [*demo_history.endings(plan, datetime.now(UTC))])


def _said(plan: Plan, events: list[Json]) -> Json:
    return demo_history.envelope(plan, 1, events, plan.began)


def _parts(stages: Sequence[Timed]) -> tuple[Sequence[Timed], Sequence[Timed]]:
    """Return the stages that are over when a build appears, and those that are to come."""
    place = len(stages) - round(len(stages) * LEFT)
    return stages[:place], stages[place:]
