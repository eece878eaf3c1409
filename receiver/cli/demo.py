"""milepost demo: real Packer builds through our own hooks, or a made-up history."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.pool import ThreadPool
from pathlib import Path

import click
import orjson
import requests

from receiver.app import create_app, pool_size
from receiver.cli import demo_history, local
from receiver.cli.database import database_command
from receiver.cli.env import hook_settings
from receiver.cli.output import progress
from receiver.config import load
from receiver.data_directory import ReceiverNote, data_dir
from receiver.domain.delivery import Request, Sender
from receiver.domain.model import Json
from receiver.errors import MilepostError
from receiver.ingest.accept import accept
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import migrate
from receiver.storage.embedded import cluster

TEMPLATES = Path(__file__).resolve().parents[2] / "hooks" / "packer"
CHAIN = TEMPLATES / "resumable" / "build.sh"
OWN_BUILD = ("MILEPOST_BUILD_NUMBER", "MILEPOST_PLATFORM")  # of a build that the user reports
TOKEN = "a history of the demo"  # noqa: S105  # known to this process alone


@click.command()
@click.option("--builds", type=click.IntRange(1, 1_000_000), help="Record a made-up history.")
@database_command
def demo(builds: int | None) -> None:
    """Run real Packer builds against the receiver of `make run`, or fill it.

    With --builds, record a made-up history of that many builds in its database.
    """
    if builds:
        numbers = record(os.environ, builds, datetime.now(UTC))
        count = sum(1 for _ in progress(numbers, "Recording", total=builds))
        click.echo(f"Recorded {count} builds.")
        return
    url = run(os.environ, lambda text: click.secho(f"\n{text}", bold=True))
    click.echo(f"\nLook at {url}")


def run(env: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Build one template with three sources, one that fails and is tried again, and a chain.

    Return the receiver's URL. Raises MilepostError if the receiver or Packer is missing.
    """
    settings = _hook_environment(env)
    _check(settings)
    with tempfile.TemporaryDirectory(prefix="milepost-demo-") as folder:
        say("Three sources of one template, at once:")
        _packer(settings, folder, "milepost.pkr.hcl", expected=0)
        retried = settings | {"MILEPOST_BUILD_NUMBER": f"demo-rhel-9.4-hana-{int(time.time())}"}
        retried["MILEPOST_IMAGE_TYPE"] = "hana"
        say("A build that fails at its security baseline:")
        _packer(retried, folder, "-var", "fail=yes", "milepost.json", expected=1)
        say("Its second attempt:")
        _packer(retried, folder, "milepost.json", expected=0)
        chain = settings | {"MILEPOST_BUILD_NUMBER": f"demo-rhel-9.4-chain-{int(time.time())}"}
        chain["MILEPOST_IMAGE_TYPE"] = "chain"
        say("A chain of three templates that fails at 55:")
        _run(chain, folder, [CHAIN, "-var", "fail=yes"], expected=1)
        say("It resumes at 55, from the artifact of 50:")
        _run(chain, folder, [CHAIN], expected=0)
    return settings["MILEPOST_URL"]


def record(env: Mapping[str, str], builds: int, now: datetime) -> Iterator[str]:
    """Record a made-up history as deliveries of our hooks, and yield each build's number."""
    settings = env if env.get("DATABASE_URL") else local.environment(env)
    config = load(settings)
    if config.database_url is None:
        migrate.migrate(cluster.start(config.data_dir, stop_at_exit=False))
    services: Services = create_app(config).extensions["milepost"]
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


def _check(settings: Mapping[str, str]) -> None:
    url = settings["MILEPOST_URL"]
    if shutil.which("packer", path=settings["PATH"]) is None:
        raise MilepostError("Packer is not on the PATH: sudo apt-get install packer")
    try:
        requests.get(f"{url}/livez", timeout=5).raise_for_status()
    except requests.RequestException as error:
        raise MilepostError(f"No receiver answers at {url}: start one with make run.") from error
    done = subprocess.run(
        [Path(sys.executable).parent / "milepost-hook", "check"],
        env={**settings, "MILEPOST_BUILD_NUMBER": "demo", "MILEPOST_STRICT": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        raise MilepostError(f"The receiver at {url} refuses the demo's reports: {reason}")


def _packer(settings: Mapping[str, str], folder: str, *arguments: str, expected: int) -> None:
    *options, template = arguments
    _run(settings, folder, ["packer", "build", *options, TEMPLATES / template], expected)


def _run(
    settings: Mapping[str, str], folder: str, command: Sequence[str | Path], expected: int
) -> None:
    code = subprocess.run(command, cwd=folder, env=dict(settings), check=False).returncode
    if code != expected:
        raise MilepostError(f"Packer ended with {code} where the demo expects {expected}.")
