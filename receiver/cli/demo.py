"""Real Packer builds through our own hooks, so that the pages have something true to show."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.pool import ThreadPool
from pathlib import Path

import orjson
import requests

from receiver import config
from receiver.app import POOL_SIZE, create_app
from receiver.cli import demo_history, local
from receiver.domain.model import Json, Request, Sender
from receiver.errors import MilepostError
from receiver.ingest.accept import accept
from receiver.ingest.services import Services
from receiver.sources import SOURCES
from receiver.storage import migrate
from receiver.storage.embedded import cluster

TEMPLATES = Path(__file__).resolve().parents[2] / "hooks" / "packer"
CHAIN = TEMPLATES / "resumable" / "build.sh"
OTHERS = ("MILEPOST_BUILD_NUMBER", "MILEPOST_PLATFORM")  # of a build that the user reports
PASS = "a history of the demo"  # noqa: S105  # between this function and itself


def run(env: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Build one template with three sources, one that fails and is tried again, and a chain.

    Gives the receiver's URL; MilepostError where there is no receiver or no Packer.
    """
    settings = _settings(env)
    _need(settings)
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
    """Record a made-up history of so many builds, as deliveries of our hooks; gives each number."""
    settings = env if env.get("DATABASE_URL") else local.environment(env)
    found = config.load(settings)
    if found.database_url is None:
        migrate.migrate(cluster.start(found.data_dir, stop_at_exit=False))
    services: Services = create_app(found).extensions["milepost"]
    sender = Sender("milepost", "", (f"bearer:{PASS}",))

    def post(document: Json) -> Json:
        headers = {"authorization": f"Bearer {PASS}", "content-type": "application/json"}
        request = Request(headers, orjson.dumps(document), "", datetime.now(UTC))
        accept(services, SOURCES["milepost"], sender, request)
        return document

    try:
        with ThreadPool(POOL_SIZE) as pool:
            for document in pool.imap(post, demo_history.envelopes(builds, now)):
                if document["run"]["attempt"] == 1:
                    yield document["build"]["number"]
    finally:
        services.database.close()


def _settings(env: Mapping[str, str]) -> dict[str, str]:
    """What the hooks need; without MILEPOST_URL it is the receiver of `make run`."""
    own = {} if env.get("MILEPOST_URL") else local.hook_settings(env)
    said = own | {
        "CHECKPOINT_DISABLE": "1",
        "MILEPOST_PROJECT": "demo",
        "MILEPOST_OS_VERSION": "rhel-9.4",
        "MILEPOST_IMAGE_TYPE": "base",
        "PATH": f"{Path(sys.executable).parent}:{env.get('PATH', '')}",
    }
    return {name: value for name, value in env.items() if name not in OTHERS} | said


def _need(settings: Mapping[str, str]) -> None:
    url = settings["MILEPOST_URL"]
    if shutil.which("packer", path=settings["PATH"]) is None:
        raise MilepostError("Packer is not on the PATH: sudo apt-get install packer")
    try:
        requests.get(f"{url}/livez", timeout=5).raise_for_status()
    except requests.RequestException as error:
        raise MilepostError(f"No receiver answers at {url}: start one with make run.") from error


def _packer(settings: Mapping[str, str], folder: str, *arguments: str, expected: int) -> None:
    *options, template = arguments
    _run(settings, folder, ["packer", "build", *options, TEMPLATES / template], expected)


def _run(
    settings: Mapping[str, str], folder: str, command: Sequence[str | Path], expected: int
) -> None:
    code = subprocess.run(command, cwd=folder, env=dict(settings), check=False).returncode
    if code != expected:
        raise MilepostError(f"Packer ended with {code} where the demo expects {expected}.")
