"""Jenkins: the Notification plugin's phases, and the CloudEvents plugin's binary form.

https://plugins.jenkins.io/notification/ and https://plugins.jenkins.io/cloudevents/
Neither sends a pipeline's stages; the hook does.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from receiver.domain.model import (
    Content,
    Event,
    Json,
    Report,
    Request,
    Run,
    Statement,
    Subject,
)
from receiver.errors import Invalid
from receiver.sources import signatures
from receiver.sources.base import Source
from receiver.sources.forge_fields import ENDS, begun, ended, host_and_path, optional, section, text

PHASES = {"queued": False, "started": False, "completed": True, "finalized": True, "finished": True}
CLOUD = "org.jenkinsci.job."
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def identify(request: Request, document: Json) -> tuple[str, str]:
    """Return the SHA-256 of build, phase and status as the key: neither plugin has an id."""
    kind = request.headers.get("ce-type") or "notification"
    try:
        build = _build(document)
        place = text(build, "full_url", 2_000) or f"{text(build, 'url', 2_000)}#{build['number']}"
        identity = f"{place}\n{_phase(request, build)}\n{text(build, 'status')}".encode()
    except (Invalid, KeyError):
        identity = request.body
    return kind[:100], hashlib.sha256(identity).hexdigest()


def parse(request: Request, document: Json) -> Content:
    """Return a report on one build; events about queues and nodes are ignored. Raises Invalid."""
    kind = request.headers.get("ce-type", "")
    if kind and not kind.startswith(CLOUD):
        return Content(outcome="ignored", reason=f"event {kind[:50]} is not used")
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
    statement = Statement(
        build_number="",
        run=Run(
            key=f"jenkins:{url or f'{job}/{count}/'}"[:500],
            url=url,
            commit=text(scm, "commit"),
            branch=text(scm, "branch"),
        ),
        events=tuple(_events(build, phase, request, f"{job} #{count}")),
    )
    parameters = optional(build, "parameters")
    subject = Subject(
        source="jenkins",
        repository=job,
        run=str(count),
        job=job,
        workflow=text(document, "display_name") or text(document, "displayName"),
        branch=text(scm, "branch"),
        variables={name: value for name, value in parameters.items() if isinstance(value, str)},
    )
    return Report(statement, subject)


def _events(build: Json, phase: str, request: Request, what: str) -> list[Event]:
    """Return the events of a phase. QUEUED is sent when the build starts: it is not waiting."""
    began, word = _milliseconds(build.get("timestamp")), (text(build, "status") or "").lower()
    if not PHASES[phase]:
        return begun(began or request.received_at, phase)
    took = build.get("duration")
    finished = _milliseconds(build.get("timestamp"), took) if took else None
    at = finished or request.received_at
    if ENDS.get(word, "skipped") == "skipped":
        return begun(began, phase)
    return [*begun(began, "started"), ended("build", at, word, what, dated=finished is not None)]


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
