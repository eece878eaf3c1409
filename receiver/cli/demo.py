"""milepost demo: fill a receiver so that there is something to look at."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path
from threading import Event, Thread

import click
import orjson
import requests

from receiver.app import create_app, pool_size
from receiver.cli import demo_history, demo_live, demo_packer, demo_receiver, demo_settings, local
from receiver.cli.database import database_command
from receiver.cli.demo_receiver import Receiver
from receiver.cli.env import hook_settings
from receiver.cli.output import progress
from receiver.config import load
from receiver.domain.delivery import Request, Sender
from receiver.domain.model import Json
from receiver.errors import MilepostError
from receiver.ingest.accept import accept
from receiver.ingest.services import Services
from receiver.settings.data_directory import ReceiverNote, data_dir
from receiver.settings.durations import parse_duration
from receiver.sources import SOURCES
from receiver.storage import migrate
from receiver.storage.embedded import cluster

OWN_BUILD = ("MILEPOST_BUILD_NUMBER", "MILEPOST_PLATFORM")  # of a build that the user reports
TOKEN = "a history of the demo"  # noqa: S105  # known to this process alone


@click.command()
@click.option("--builds", type=click.IntRange(1, 1_000_000), help="Record a made-up history.")
@click.option("--mix", is_flag=True, help="Also where the receiver has builds of others.")
@click.option("--live", default="2m", show_default=True, help="How long builds go on moving.")
@database_command
def demo(builds: int | None, mix: bool, live: str) -> None:
    """Fill the receiver of `make run` with nights to look at, and run Packer there.

    Fourteen nights of sixty images come first, then builds that move while you look, and real
    Packer builds.

    With --builds, record a made-up history of that many builds in its database.
    """
    if builds:
        numbers = record(os.environ, builds, datetime.now(UTC))
        count = sum(1 for _ in progress(numbers, "Recording", total=builds))
        click.echo(f"Recorded {count} builds.")
        return
    span = parse_duration(live)
    if span is None:
        raise click.BadParameter("write 90s, 15m or 2h", param_hint="--live")
    settings = _hook_environment(os.environ)
    receiver = _checked(settings, mix=mix)
    if not os.environ.get("MILEPOST_URL") and not receiver.is_filled:
        demo_settings.set_projects(os.environ)
    _fill(receiver, datetime.now(UTC))
    with _moving(receiver, span):
        demo_packer.run(settings, lambda text: click.secho(f"\n{text}", bold=True))
        click.echo(f"\nLook at {receiver.url}: builds move there. Ctrl-C ends them.")


def _fill(receiver: Receiver, now: datetime) -> None:
    if receiver.is_filled:
        click.echo("The nights are there already: an empty receiver gets fresh ones.")
        return
    documents = [*demo_history.fourteen_nights(now)]
    posted = progress(receiver.fill(documents), "Filling", total=len(documents))
    builds = {document["build"]["number"] for document in posted}
    demo_receiver.decide(receiver.client, now)
    click.echo(f"Fourteen nights with {len(builds)} builds are at {receiver.url}")


@contextmanager
def _moving(receiver: Receiver, live: timedelta) -> Iterator[None]:
    """Move builds beside what is done here, and so long in all."""
    ended, until = Event(), time.monotonic() + live.total_seconds()
    thread = Thread(target=demo_live.run, args=(receiver, ended))
    thread.start()
    try:
        yield
        ended.wait(max(0, until - time.monotonic()))
    except KeyboardInterrupt:
        click.echo("\nThe builds come to their end.")
    finally:
        ended.set()
        thread.join()


def record(env: Mapping[str, str], builds: int, now: datetime) -> Iterator[str]:
    """Record a made-up history as deliveries of our hooks, and yield each build's number."""
    settings = env if env.get("DATABASE_URL") else local.environment(env)
    config = load(settings)
    if config.database_url is None:
        migrate.migrate(cluster.start(config.data_dir, stop_at_exit=False))
    services: Services = create_app(config).extensions["milepost"]
    services.rules.renew()
    sender = Sender("milepost", "", (f"bearer:{TOKEN}",))

    def post(document: Json) -> Json:
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        request = Request(headers, orjson.dumps(document), "", datetime.now(UTC))
        accept(services, SOURCES["milepost"], sender, request)
        return document

    try:
        with ThreadPool(pool_size(config)) as pool:
            for document in pool.imap(post, demo_history.envelopes(builds, now)):
                if document["run"]["attempt"] == 1:
                    yield document["build"]["number"]
    finally:
        services.database.close()


def _hook_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the hooks; without MILEPOST_URL they report to `make run`."""
    own = {} if env.get("MILEPOST_URL") else hook_settings(env)
    if own and (note := ReceiverNote.read(data_dir(env))):
        own["MILEPOST_URL"] = note.url
    settings = own | {
        "CHECKPOINT_DISABLE": "1",
        "MILEPOST_PROJECT": "demo",
        "MILEPOST_OS_VERSION": "rhel-9.4",
        "MILEPOST_IMAGE_TYPE": "base",
        "PATH": f"{Path(sys.executable).parent}:{env.get('PATH', '')}",
    }
    return {name: value for name, value in env.items() if name not in OWN_BUILD} | settings


def _checked(settings: Mapping[str, str], *, mix: bool) -> Receiver:
    """Return the receiver, which takes the demo's reports. Raises MilepostError."""
    url = settings["MILEPOST_URL"]
    if shutil.which("packer", path=settings["PATH"]) is None:
        raise MilepostError("Packer is not on the PATH: sudo apt-get install packer")
    try:
        requests.get(f"{url}/livez", timeout=5).raise_for_status()
    except requests.RequestException as error:
        raise MilepostError(f"No receiver answers at {url}: start one with make run.") from error
    _check_hook(settings)
    receiver = Receiver(url, settings["MILEPOST_SECRET"], settings.get("MILEPOST_TOKEN", ""))
    receiver.check(mix=mix)
    return receiver


def _check_hook(settings: Mapping[str, str]) -> None:
    """Let a hook post a signed test, which makes no build. Raises MilepostError."""
    done = subprocess.run(
        [Path(sys.executable).parent / "milepost-hook", "check"],
        env={**settings, "MILEPOST_BUILD_NUMBER": "demo", "MILEPOST_STRICT": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        url = settings["MILEPOST_URL"]
        raise MilepostError(f"The receiver at {url} refuses the demo's reports: {reason}")
