"""Jenkins: the Notification plugin's phases, and the CloudEvents plugin's binary form.

https://plugins.jenkins.io/notification/ and https://plugins.jenkins.io/cloudevents/
Neither sends a pipeline's stages; the hook does.

Both take `timestamp` from the same places (JobListener.java and Phase.java of the one since its
version 1.12, which brought the field; CEJobListener.java and Stage.java of the other), in
milliseconds: QUEUED when it was queued (sent when it starts), STARTED the start, COMPLETED start +
duration, FINALIZED the time of sending. `duration` is 0 until the end.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from receiver.domain.delivery import Content, Report, Request, Subject
from receiver.domain.model import Event, Json, Run, Statement
from receiver.errors import Invalid
from receiver.sources import signatures
from receiver.sources.base import Source
from receiver.sources.forge_fields import (
    ENDS,
    SKIPPED,
    begun,
    ended,
    host_and_path,
    names,
    never_ran,
    optional,
    section,
    text,
    waits,
)
from receiver.sources.run_keys import bounded

PHASES = ("queued", "started", "completed", "finalized", "finished")
CLOUD = "org.jenkinsci.job."
SURE_START = 60_000  # milliseconds; the end of a shorter build may be sent later than it took
_REMOTE = re.compile(
    r"^(?:refs/heads/|(?:refs/remotes/)?origin/)"
)  # Git's name of a remote's branch
# The name of a change's job: branch-api's PullRequestSCMHead, and the sources of the forges.
_CHANGE = re.compile(r"(?:PR|MR)-(\d+)(?:-(?:head|merge))?", re.ASCII)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def identify(request: Request, document: Json) -> tuple[str, str]:
    """Return the SHA-256 of build, phase, status and time as the key: neither plugin has an id.

    A job that was made again counts from 1 again: only its times tell its builds from the old ones.
    """
    kind = request.headers.get("ce-type") or "notification"
    try:
        build = _build(document)
        place = text(build, "full_url", 2_000) or f"{text(build, 'url', 2_000)}#{build['number']}"
        at = _milliseconds(build.get("timestamp"))
        identity = f"{place}\n{_phase(request, build)}\n{text(build, 'status')}\n{at}".encode()
    except (Invalid, KeyError):
        identity = request.body
    return kind[:100], hashlib.sha256(identity).hexdigest()


def parse(request: Request, document: Json) -> Content:
    """Return a report on one build; events about queues and nodes are ignored. Raises Invalid."""
    kind = request.headers.get("ce-type", "")
    if kind and not kind.startswith(CLOUD):
        return Content(outcome="ignored", reason=f"event {kind[:50]} is not used")
    if "configFile" in document:  # the whole configuration of a job that was created or changed
        reason = "a job's configuration is not used, and its body is not kept"
        return Content(outcome="ignored", reason=reason, keeps_body=False)
    build = _build(document)
    phase = _phase(request, build)
    if phase not in PHASES:
        return Content(outcome="ignored", reason=f"phase {phase[:50]} is not used")
    return Content(reports=(_report(document, build, phase, request),))


def _build(document: Json) -> Json:
    """Return the build with the Notification plugin's spelling of the keys. Raises Invalid."""
    build = section(document, "build")
    return {_CAMEL.sub("_", name).lower(): value for name, value in build.items()}


def _phase(request: Request, build: Mapping[str, Any]) -> str:
    kind = request.headers.get("ce-type", "")
    if not kind:
        return (text(build, "phase") or "").lower()
    phase = kind.removeprefix(CLOUD)
    return "finalized" if phase == "failed" else phase  # a failed build is sent twice


def _report(document: Json, build: Json, phase: str, request: Request) -> Report:
    count, url = build.get("number"), text(build, "full_url", 2_000)
    if type(count) is not int:
        raise Invalid("No build number.", fields={"build.number": ["Not an integer."]})
    job = _job(url or text(build, "url", 2_000) or "") or text(document, "name") or ""
    scm = optional(build, "scm") or optional(build, "scm_state")
    branch = _branch(scm)
    change = _CHANGE.fullmatch(job.rpartition("/")[2])
    workflow = text(document, "display_name") or text(document, "displayName")
    statement = Statement(
        build_number="",
        run=Run(
            key=bounded(f"jenkins:{url or f'{job}/{count}/'}"),
            url=url,
            commit=text(scm, "commit"),
            branch=branch,
            pull_request=change[1] if change else None,
        ),
        events=tuple(_events(build, phase, request, f"{job} #{count}")),
        names=names(job=job),
    )
    parameters = optional(build, "parameters")
    subject = Subject(
        source="jenkins",
        repository=job,
        run=str(count),
        job=job,
        workflow=workflow,
        branch=branch,
        variables={name: value for name, value in parameters.items() if isinstance(value, str)},
    )
    return Report(statement, subject)


def _events(build: Json, phase: str, request: Request, what: str) -> list[Event]:
    """Return the events of a phase. QUEUED is sent when the build starts, and tells no start.

    The time of FINALIZED is later than the end by what Jenkins does in between: an estimate, to
    which COMPLETED is preferred because it is earlier.
    """
    at, word = _milliseconds(build.get("timestamp")), (text(build, "status") or "").lower()
    if phase == "queued":
        return waits(at, phase, request.received_at)
    if phase == "started":
        return begun(at or request.received_at, phase)
    start = _start(build, phase)
    if word in SKIPPED:
        return [never_ran(at, word, request.received_at)]
    if word not in ENDS:
        return begun(start, "started")
    end = ended("build", at or request.received_at, word, what, dated=at is not None)
    return [*begun(start, "started"), end]


def _start(build: Json, phase: str) -> datetime | None:
    """Return when a build began that has ended; None where the payload does not tell it."""
    took = build.get("duration")
    if type(took) is not int or took <= 0 or (phase != "completed" and took < SURE_START):
        return None
    return _milliseconds(build.get("timestamp"), -took)


def _branch(scm: Mapping[str, Any]) -> str | None:
    """Return the branch as the repository calls it: `origin/main` is `main`."""
    branch = text(scm, "branch")
    return _REMOTE.sub("", branch) or branch if branch else None


def _milliseconds(*values: object) -> datetime | None:
    numbers = [value for value in values if type(value) is int]
    total = sum(numbers)
    if len(numbers) < len(values) or not 0 < total < 253_402_300_799_000:
        return None
    return datetime.fromtimestamp(total / 1000, UTC)


def _job(url: str) -> str:
    """Return the job's name, as JOB_NAME: /job/images/job/main/12/ → images/main."""
    _, parts = host_and_path(url)
    first = parts.index("job") if "job" in parts else len(parts)
    pairs = zip(parts[first::2], parts[first + 1 :: 2], strict=False)
    return "/".join(name for mark, name in pairs if mark == "job")


SOURCE = Source(
    name="jenkins",
    verify=signatures.verify_basic,
    identify=identify,
    parse=parse,
)
