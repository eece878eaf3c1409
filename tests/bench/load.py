"""Raw signed requests in a file, and wrk (https://github.com/wg/wrk) sending them."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from tests.support.senders import Json, manifest, proof, stage

LUA = Path(__file__).with_name("wrk.lua")
THREADS = 2
STAGES = ("Kickstart", "Base configuration", "Security baseline", "Monitoring", "Integration tests")


@dataclass(frozen=True)
class LoadResult:
    """The report of wrk: counts, seconds, and latencies in milliseconds."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p99: float
    max: float

    @property
    def rate(self) -> float:
        """Return the requests a second."""
        return self.requests / self.seconds


def raw(path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Return one HTTP request as bytes: a POST, or a GET without a body."""
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def envelope(build: int, event: int, prefix: str) -> Json:
    """Return an envelope about one stage of a build, with a manifest: about 1 kB."""
    number = f"{prefix}-{build}"
    run = str(uuid4())
    build_manifest = manifest(
        {
            "artifact_id": f"us-east-1:ami-{build:017x}",
            "builder_type": "amazon-ebs",
            "build_time": 1_767_261_600 + event,
            "custom_data": {"commit": run.replace("-", ""), "image": number},
        },
        run_uuid=run,
    )
    name = STAGES[event % len(STAGES)]
    return {
        "version": 1,
        "build": {
            "number": number,
            "project": f"project-{build % 10}",
            "platform": "aws-commercial",
            "os_version": f"rhel-{build % 5}.8",
            "image_type": f"type-{build % 6}",
            "created_by": "bench",
        },
        "run": {
            "key": f"github:acme/images:{build}:1:{build}",
            "attempt": 1,
            "url": f"https://github.example/acme/images/actions/runs/{build}/job/{build}",
            "commit": run.replace("-", ""),
            "branch": "main",
        },
        "events": [stage(name, "started", event), stage(name, "completed", event + 0.5)],
        "manifest": build_manifest,
    }


def envelopes(count: int, builds: int, secret: str, prefix: str) -> Iterable[bytes]:
    """Yield so many posts, about so many builds in turn; the secret signs them, or is a bearer's
    token."""
    for index in range(count):
        body = orjson.dumps(envelope(index % builds, index // builds, prefix))
        yield raw("/webhooks/milepost", body, proof("milepost", secret, body))


def write_requests(path: Path, requests: Iterable[bytes]) -> Path:
    """Write the file that wrk.lua reads, each request after its length; return its path."""
    with path.open("wb") as file:
        for request in requests:
            file.write(f"{len(request)}\n".encode() + request)
    return path


def run_load(
    url: str,
    path: Path,
    seconds: int,
    connections: int,
    pause: float = 0,
    *,
    until_done: bool = False,
) -> LoadResult:
    """Send them for so long, or at most until all are answered; wrk.lua explains `pause`."""
    threads = 1 if until_done else THREADS
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}", "--timeout", "30"]
    arguments: list[Any] = [*command, "-s", LUA, url, "--", path, threads, pause]
    arguments.append(until_done)
    done = subprocess.run(
        [str(each) for each in arguments], capture_output=True, text=True, check=True
    )
    return LoadResult(**json.loads(done.stdout.splitlines()[-1]))
