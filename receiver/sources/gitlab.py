"""GitLab's webhooks: the Job Hook and the Pipeline Hook, each job a report of its own.

https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from receiver.domain.model import (
    Content,
    Event,
    Failure,
    Json,
    Report,
    Request,
    Run,
    Statement,
    Subject,
)
from receiver.sources import signatures
from receiver.sources.base import Source
from receiver.sources.forge_fields import (
    ENDS,
    RUNNING,
    WAITING,
    begun,
    ended,
    host_and_path,
    moment,
    number,
    optional,
    section,
    text,
    waits,
)

MAX_JOBS = 1_000


def identify(request: Request, _document: Json) -> tuple[str, str]:
    """Return the webhook's id as the key: retries keep it; X-Gitlab-Webhook-UUID changes."""
    event = request.headers.get("x-gitlab-event", "unknown")[:100]
    key = request.headers.get("webhook-id") or request.headers.get("idempotency-key")
    digest = hashlib.sha256(event.encode() + b"\n" + request.body).hexdigest()
    return event, (key or digest)[:255]


def parse(request: Request, document: Json) -> Content:
    """Return reports on jobs; every other event is ignored. Raises Invalid."""
    kind = text(document, "object_kind") or "unknown"
    if kind == "build":
        jobs = [_job_of_hook(document)]
    elif kind == "pipeline":
        jobs = _jobs_of_pipeline(document)
    else:
        return Content(outcome="ignored", reason=f"event {kind[:50]} is not used")
    return Content(reports=tuple(_report(document, job, request) for job in jobs))


def _job_of_hook(document: Json) -> Json:
    """Return a Job Hook's job with the keys of a Pipeline Hook's; `commit.id` is the pipeline's."""
    names = ("name", "stage", "status", "created_at", "started_at", "finished_at")
    job = {name: document.get(f"build_{name}") for name in names}
    return job | {
        "id": number(document, "build_id"),
        "allow_failure": document.get("build_allow_failure"),
        "failure_reason": document.get("build_failure_reason"),
        "retries": document.get("retries_count"),
        "pipeline_id": document.get("pipeline_id") or optional(document, "commit").get("id"),
        "ref": document.get("ref"),
        "sha": document.get("sha"),
        "stages": [],
    }


def _jobs_of_pipeline(document: Json) -> list[Json]:
    """Return a Pipeline Hook's jobs with the pipeline's own fields; retried jobs are absent."""
    pipeline, listed = section(document, "object_attributes"), document.get("builds")
    shared = {
        "pipeline_id": pipeline.get("id"),
        "ref": pipeline.get("ref"),
        "sha": pipeline.get("sha"),
        "stages": pipeline.get("stages"),
        "variables": pipeline.get("variables"),
    }
    jobs = listed if isinstance(listed, list) else []
    return [shared | job for job in jobs[:MAX_JOBS] if isinstance(job, dict)]


def _report(document: Json, job: Json, request: Request) -> Report:
    host, project = _place(document)
    retries = job.get("retries")
    attempt = retries + 1 if type(retries) is int and 0 <= retries < 1_000_000 else None
    listed = job.get("stages")
    stages = listed if isinstance(listed, list) else []
    job_id = number(job, "id", "builds.")
    statement = Statement(
        build_number="",
        run=Run(
            key=f"gitlab:{host}:{job_id}",
            attempt=attempt,
            url=f"https://{host}/{project}/-/jobs/{job_id}" if host else None,
            commit=text(job, "sha"),
            branch=text(job, "ref"),
        ),
        events=tuple(_events(job, request)),
        created_by=text(optional(document, "user"), "username"),
        order=tuple(each for each in stages if isinstance(each, str))[:MAX_JOBS],
    )
    subject = Subject(
        source="gitlab",
        repository=project,
        run=str(job.get("pipeline_id") or ""),
        job=text(job, "name") or "",
        workflow=text(section(document, "object_attributes"), "name")
        if "object_attributes" in document
        else None,
        branch=text(job, "ref"),
        variables=_variables(job),
    )
    return Report(statement, subject)


def _events(job: Mapping[str, Any], request: Request) -> list[Event]:
    """Return the events of the job as a build, and of its stage as the build's one stage."""
    word, name = text(job, "status") or "", text(job, "name") or ""
    began, finished = _second(job.get("started_at")), _second(job.get("finished_at"))
    stage = text(job, "stage") or name
    running = begun(began, "running")
    if began and stage:
        running.append(Event("stage", began, status="started", stage=stage))
    if word in ENDS and ENDS[word] != "skipped":
        at, failure = finished or request.received_at, _failure(job, word, name)
        allowed, dated = job.get("allow_failure") is True, finished is not None
        if allowed and ENDS[word] == "failed":
            end = Event("build", at, status="completed", failure=failure, word=word, dated=dated)
        else:
            end = ended("build", at, word, f"Job {name}", failure=failure, dated=dated)
        more = {"stage": stage, "failure": failure, "allowed": allowed, "dated": dated}
        return [*running, ended("stage", at, word, name, **more), end] if stage else [*running, end]
    if word in RUNNING:
        return running
    return (
        waits(_second(job.get("created_at")), word, request.received_at) if word in WAITING else []
    )


def _failure(job: Mapping[str, Any], word: str, name: str) -> Failure | None:
    if ENDS[word] != "failed":
        return None
    reason = text(job, "failure_reason") or word
    return Failure(type=reason, message=f"Job {name} failed: {reason.replace('_', ' ')}")


def _second(value: object) -> datetime | None:
    """Return a time to the second: GitLab sends one time with and without milliseconds."""
    time = moment(value)
    return time.replace(microsecond=0) if time else None


def _place(document: Json) -> tuple[str, str]:
    """Return the server's host and the project's path; older Job Hooks have a repository only."""
    project = optional(document, "project")
    home = text(project, "web_url") or text(optional(document, "repository"), "homepage") or ""
    host, parts = host_and_path(home)
    path = text(project, "path_with_namespace") or "/".join(parts)
    return host, path or str(document.get("project_id") or "")


def _variables(job: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables for the routes; they may be secrets, and are not stored."""
    listed = job.get("variables")
    pairs = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return {str(each.get("key")): str(each.get("value")) for each in pairs}


SOURCE = Source(
    name="gitlab",
    verify=signatures.verify_standard_or_token,
    identify=identify,
    parse=parse,
)
