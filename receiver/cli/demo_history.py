"""A made-up history of image builds, as envelopes of our hooks; pure, the same for each number."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from receiver.domain.model import Json

PROJECTS = ("core", "data", "web")
PLATFORMS = ("aws-commercial", "aws-gov", "azure", "gcp", "vmware")
OS_VERSIONS = ("rhel-8.10", "rhel-9.4", "ubuntu-22.04", "ubuntu-24.04", "windows-2022")
IMAGE_TYPES = ("base", "hana", "web", "gpu")
NIGHT = timedelta(hours=21)  # from a build of an image to its next

# Stage, state, usual seconds, and its failures, each with its component.
STEPS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("Kickstart", 5, 240, ("packer: Timeout waiting for SSH after 1800 s.",)),
    ("Green image", 10, 60, ()),
    ("Base configuration", 15, 420, ("dnf: Cannot download repomd.xml: 503 for host mirror-12",)),
    ("Cloud provider setup", 20, 90, ()),
    (
        "Security baseline",
        25,
        780,
        (
            "ansible: fatal: [10.0.3.17]: UNREACHABLE! No route to host",
            "ansible: CIS 5.2.3 failed on /etc/ssh/sshd_config line 41",
        ),
    ),
    ("Monitoring and logging", 30, 150, ()),
    ("Network", 40, 60, ()),
    ("Users and authentication", 50, 110, ()),
    ("Application", 60, 900, ("installer: exit code 137 after 612 s, out of memory",)),
    ("Integration tests", 70, 360, ("goss: 2 of 148 checks failed in 6.2 s",)),
    ("Final validation", 90, 120, ()),
    ("Sealing and cleanup", 95, 180, ("amazon-ebs: RequestLimitExceeded for ami-0a1b2c3d4e",)),
)


def envelopes(builds: int, now: datetime) -> Iterator[Json]:
    """Yield the reports of that many builds up to now, oldest build first."""
    chance = Random(builds)  # noqa: S311  # only to look real
    names = _combinations(builds)
    newest = {index % len(names): index for index in range(builds)}
    for index in range(builds):
        began = now - NIGHT * (builds - index) / len(names) - timedelta(minutes=50)
        is_last = newest[index % len(names)] == index
        running = is_last and builds - index <= 5
        if running:
            began = now - timedelta(minutes=chance.uniform(8, 30))
        yield from _build(index, names[index % len(names)], began, now, chance, running)


def _combinations(builds: int) -> list[tuple[str, str, str, str]]:
    every = [
        (project, platform, os_version, image_type)
        for image_type in IMAGE_TYPES
        for os_version in OS_VERSIONS
        for platform in PLATFORMS
        for project in PROJECTS
    ]
    return every[: max(1, min(len(every), builds // 6 or builds))]


def _build(
    index: int,
    names: tuple[str, str, str, str],
    began: datetime,
    now: datetime,
    chance: Random,
    running: bool,
) -> Iterator[Json]:
    project, platform, os_version, image_type = names
    number = f"{project}-{os_version}-{image_type}-{platform}-{index + 1}"
    build = {
        "number": number,
        "project": project,
        "platform": platform,
        "os_version": os_version,
        "image_type": image_type,
        "created_by": chance.choice(("nightly", "nightly", "nightly", "ada", "lin")),
    }
    run = {"commit": f"{chance.getrandbits(160):040x}", "branch": "main"}
    pace = sum(each.encode()[0] for each in names) % 7 / 10 + 0.7
    fails = chance.choice([step for step in STEPS if step[3]]) if chance.random() < 0.12 else None
    for attempt in (1, 2):
        events, end, failed = _attempt(began, now, chance, pace, fails, running)
        document = {
            "version": 1,
            "build": build,
            "run": {"key": f"demo:{number}:{attempt}", "attempt": attempt, **run},
            "events": events,
        }
        if not failed and not running:
            document["manifest"] = _manifest(number, platform, image_type, end, chance)
        yield document
        if not failed or chance.random() < 0.35:
            return
        began, fails = end + timedelta(minutes=chance.uniform(3, 20)), None
        if began > now - timedelta(hours=2):
            return


def _attempt(
    began: datetime,
    now: datetime,
    chance: Random,
    pace: float,
    fails: tuple[str, int, int, tuple[str, ...]] | None,
    running: bool,
) -> tuple[list[Json], datetime, bool]:
    events: list[Json] = []
    at = began
    for step in STEPS:
        stage, state, seconds, texts = step
        if running and at > now - timedelta(minutes=1):
            break
        events.append(_stage(stage, state, "started", at))
        at += timedelta(seconds=seconds * pace * chance.uniform(0.8, 1.3))
        if running and at > now:
            return events, now, False
        if fails is step:
            component, _, message = chance.choice(texts).partition(": ")
            failure = {"type": "provisioner", "message": message, "component": component}
            events.append(_stage(stage, state, "failed", at) | {"failure": failure})
            events.append({"kind": "build", "status": "failed", "at": at.isoformat()})
            return events, at, True
        if stage == "Integration tests" and chance.random() < 0.08:
            flaky = {"type": "test", "message": "goss: port 22 not listening", "component": "goss"}
            events.append(_stage(stage, state, "failed", at) | {"failure": flaky})
            events.append(_stage(stage, state, "started", at + timedelta(seconds=20)))
            at += timedelta(seconds=20 + seconds * pace)
        events.append(_stage(stage, state, "completed", at))
        at += timedelta(seconds=chance.uniform(1, 25))
    if not running:
        events.append({"kind": "build", "status": "completed", "at": at.isoformat()})
    return events, at, False


def _stage(stage: str, state: int, status: str, at: datetime) -> Json:
    moment = {"status": status, "at": at.isoformat()}
    return {"kind": "stage", "stage": stage, "state": state, **moment}


def _manifest(number: str, platform: str, image_type: str, end: datetime, chance: Random) -> Json:
    regions = ("eu-central-1", "us-east-1") if platform.startswith("aws") else ("",)
    made = ",".join(
        f"{region}:ami-{chance.getrandbits(68):017x}" if region else f"{platform}/{number}"
        for region in regions
    )
    builder = "amazon-ebs" if platform.startswith("aws") else "null"
    entry = {
        "name": image_type,
        "builder_type": builder,
        "build_time": int(end.timestamp()),
        "files": None,
        "artifact_id": made,
        "packer_run_uuid": number,
        "custom_data": None,
    }
    return {"builds": [entry], "last_run_uuid": number}
