"""GitHub's webhooks: workflow_job makes and moves builds, workflow_run judges what never reported.

https://docs.github.com/en/webhooks/webhook-events-and-payloads

Of a workflow_job, `created_at` is when it was queued; `started_at` is set on a queued job too, and
is the start only once it runs; `completed_at` is the end. A workflow_run has no end of its own:
`updated_at` is it. After "Re-run failed jobs" a job that had passed comes again as completed, with
a new id, the new attempt, and its old times, so that `started_at` is before `created_at`
(https://github.com/actions/actions-runner-controller/issues/4315).
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from receiver.domain.delivery import Content, Report, Request, Subject
from receiver.domain.fold.carried_over import MARK as CARRIED_OVER
from receiver.domain.image_names import read
from receiver.domain.model import Event, Json, Run, Statement
from receiver.errors import Invalid
from receiver.sources import signatures
from receiver.sources.base import Source
from receiver.sources.forge_fields import (
    ENDS,
    RUNNING,
    SKIPPED,
    WAITING,
    begun,
    ended,
    moment,
    names,
    never_ran,
    number,
    optional,
    section,
    text,
    waits,
)
from receiver.sources.run_keys import bounded

FORM = "application/x-www-form-urlencoded"
MAX_STEPS = 1_000
MAX_FIELDS = 10  # of a form
CHUNK = 64 * 1024  # bytes


def identify(request: Request, _document: Json) -> tuple[str, str]:
    """Return the event's name, and the delivery's GUID as the key: a redelivery keeps it."""
    key = request.headers.get("x-github-delivery") or hashlib.sha256(request.body).hexdigest()
    return request.headers.get("x-github-event", "unknown")[:100], key[:255]


def parse(request: Request, document: Json) -> Content:
    """Return reports on jobs and runs; every other event is ignored. Raises Invalid."""
    name = request.headers.get("x-github-event", "unknown")
    reader = READERS.get(name)
    if reader is None:
        return Content(outcome="ignored", reason=f"event {name[:50]} is not used")
    return reader(document, request)


def json_of(request: Request) -> bytes:
    """Return the JSON of the body, which may be a form's field `payload`."""
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        return request.body
    pairs = (field.partition(b"=") for field in request.body.split(b"&", MAX_FIELDS))
    payload = next((value for name, _, value in pairs if name == b"payload"), b"")
    return _unquoted(payload.replace(b"+", b" "))


def _unquoted(text: bytes) -> bytes:
    """Decode percent signs in chunks: urllib makes an object of each, 60 times its size."""
    decoded, start = BytesIO(), 0
    while start < len(text):
        end = start + CHUNK
        split = text.rfind(b"%", end - 2, end)  # an escape that the end would cut
        end = end if split < 0 else split
        decoded.write(unquote_to_bytes(text[start:end]))
        start = end
    return decoded.getvalue()


def _job(document: Json, request: Request) -> Content:
    job = section(document, "workflow_job")
    run, name = number(job, "run_id", "workflow_job."), text(job, "name") or ""
    key, alias, attempt = _place(job, f"github:{_repository(document)}:{run}")
    skipped, steps = text(job, "conclusion") in SKIPPED, _listed_steps(job)
    statement = Statement(
        build_number="",
        run=_run(key, attempt, job, document),
        events=(*([] if skipped else _steps(steps)), *_job_events(job, request)),
        created_by=text(optional(document, "sender"), "login"),
        order=tuple([each for step in steps if (each := text(step, "name"))]),
        names=names(
            job=None if _tells_its_runner(job) else name, workflow=text(job, "workflow_name")
        ),
    )
    subject = Subject(
        source="github",
        repository=_repository(document),
        run=str(run),
        job=name,
        workflow=text(job, "workflow_name"),
        branch=text(job, "head_branch"),
    )
    began, ends = moment(job.get("started_at")), moment(job.get("completed_at"))
    return Content(reports=(Report(statement, subject, alias, began, ends),))


def _tells_its_runner(job: Mapping[str, Any]) -> bool:
    """Return whether the job's name has the system of its runner, as "build (ubuntu-22.04)" with
    `runs-on: ubuntu-22.04` has: `labels` are the words of `runs-on`."""
    name, labels = (text(job, "name") or "").lower(), job.get("labels")
    words = (
        [each.lower() for each in labels if isinstance(each, str)]
        if isinstance(labels, list)
        else []
    )
    return any(word in name for word in words if read(word).family)


def _place(job: Mapping[str, Any], run: str) -> tuple[str, str | None, int | None]:
    """Return the job's key, its runner's, and its attempt.

    A job that was carried over is known by its name and start: the attempt that ran it is named
    nowhere. It is most likely the one before; a runner's name counts only within the job's times.
    """
    attempt, runner = _attempt(job), text(job, "runner_name")
    began, created = moment(job.get("started_at")), moment(job.get("created_at"))
    if attempt > 1 and began and created and began < created and job.get("completed_at"):
        identity = f"{text(job, 'name')}\n{began.isoformat()}"
        digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        alias = f"{run}:{attempt - 1}:{runner}" if runner else None
        return f"{run}:{CARRIED_OVER}:{digest}", alias, None
    alias = f"{run}:{attempt}:{runner}" if runner else None
    return f"{run}:{attempt}:{number(job, 'id', 'workflow_job.')}", alias, attempt


def _attempt(section: Mapping[str, Any]) -> int:
    attempt = section.get("run_attempt")
    return attempt if type(attempt) is int and 1 <= attempt <= 1_000_000 else 1


def _steps(steps: Iterable[Mapping[str, Any]]) -> list[Event]:
    events = []
    for step in steps:
        name, began = text(step, "name"), moment(step.get("started_at"))
        word = text(step, "conclusion") or ""
        finished = moment(step.get("completed_at")) or began
        if name and began and word != "skipped":
            events.append(Event("stage", began, status="started", stage=name))
        if name and finished and word in ENDS:
            events.append(ended("stage", finished, word, f"Step {name}", stage=name))
    return events


def _job_events(job: Mapping[str, Any], request: Request) -> list[Event]:
    """Return the events of the job as a whole. `started_at` is set even on a queued job."""
    status, word = text(job, "status") or "", text(job, "conclusion") or ""
    began = moment(job.get("started_at")) or moment(job.get("created_at"))
    if word in SKIPPED:
        return [never_ran(moment(job.get("created_at")), word, request.received_at)]
    if word in ENDS:
        at, what = moment(job.get("completed_at")), f"Job {text(job, 'name') or ''}"
        end = ended("build", at or request.received_at, word, what, dated=at is not None)
        return [*begun(began if _has_run(job) else None, "in_progress"), end]
    if status in RUNNING:
        return begun(began, status)
    if status in WAITING or word in WAITING:
        created = moment(job.get("created_at")) or began
        return waits(created, word or status, request.received_at)
    return []


def _has_run(job: Mapping[str, Any]) -> bool:
    """Return whether a job that ended had a runner; a payload that names none may be an old one."""
    return bool(job.get("runner_id", True) or text(job, "runner_name") or _listed_steps(job))


def _listed_steps(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    steps = job.get("steps")
    listed = steps if isinstance(steps, list) else []
    return [step for step in listed[:MAX_STEPS] if isinstance(step, dict)]


def _workflow_run(document: Json, request: Request) -> Content:
    run = section(document, "workflow_run")
    run_id, attempt = number(run, "id", "workflow_run."), _attempt(run)
    # It has no completed_at: updated_at is when it was completed.
    updated = moment(run.get("updated_at"))
    at = updated or request.received_at
    word = text(run, "conclusion") or ""
    events = [Event("context", at, dated=updated is not None)]
    if text(run, "status") == "completed" and word in SKIPPED:
        events.append(never_ran(updated, word, request.received_at))
    elif text(run, "status") == "completed" and word in ENDS:
        what = f"Workflow {text(run, 'name') or ''}"
        events.append(ended("build", at, word, what, dated=updated is not None))
    statement = Statement(
        build_number="",
        run=_run(f"github:{_repository(document)}:{run_id}:{attempt}", attempt, run, document),
        events=tuple(events),
        created_by=text(optional(run, "actor"), "login"),
    )
    subject = Subject("github", _repository(document), str(run_id), workflow=text(run, "name"))
    return Content(reports=(Report(statement, subject),))


def _run(key: str, attempt: int | None, section: Mapping[str, Any], document: Json) -> Run:
    return Run(
        key=bounded(key),
        attempt=attempt,
        url=text(section, "html_url", 2_000),
        commit=text(section, "head_sha"),
        branch=text(section, "head_branch"),
        pipeline=bounded(":".join(key.split(":")[:3])),
        default_branch=text(optional(document, "repository"), "default_branch"),
        pull_request=_pull_request(section),
    )


def _pull_request(run: Mapping[str, Any]) -> str | None:
    """Return the number of the pull request that a workflow_run builds, its head for a fork's.

    Of a fork's pull request `pull_requests` is empty. For another event it lists the requests that
    the branch happens to have. A workflow_job has neither field.
    """
    if not (text(run, "event") or "").startswith("pull_request"):
        return None
    listed = run.get("pull_requests")
    first = listed[0] if isinstance(listed, list) and listed else None
    count = first.get("number") if isinstance(first, Mapping) else None
    if type(count) is int:
        return str(count)
    owner = text(optional(optional(run, "head_repository"), "owner"), "login") or ""
    return f"{owner}:{text(run, 'head_branch') or ''}"


def _repository(document: Mapping[str, Any]) -> str:
    name = text(optional(document, "repository"), "full_name")
    if not name:
        raise Invalid("No repository.", fields={"repository.full_name": ["Not a text."]})
    return name


READERS: dict[str, Callable[[Json, Request], Content]] = {
    "workflow_job": _job,
    "workflow_run": _workflow_run,
}

SOURCE = Source(
    name="github",
    verify=signatures.verify_hub,
    identify=identify,
    parse=parse,
    json_of=json_of,
    content_types=("application/json", FORM),
)
