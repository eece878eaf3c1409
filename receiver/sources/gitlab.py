"""GitLab's webhooks: the Job Hook and the Pipeline Hook, each job a report of its own.

https://docs.gitlab.com/user/project/integrations/webhook_events/

The fields are those of lib/gitlab/data_builder/{build,pipeline}.rb, the times those of
app/models/commit_status.rb and ci/pipeline.rb: `created_at` when the job's pipeline was made,
`started_at` when a runner took it, `finished_at` when it was success, failed or canceled. A job
that is skipped or manual has neither of the last two, and may be created, pending and running
afterwards, under the same id, when somebody plays it or retries what it waits for
(ResetSkippedJobsService).
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from receiver.domain.delivery import Content, Report, Request, Subject
from receiver.domain.model import Event, Failure, Json, Run, Statement
from receiver.sources import signatures
from receiver.sources.base import Source
from receiver.sources.forge_fields import (
    ENDS,
    RUNNING,
    SKIPPED,
    WAITING,
    begun,
    ended,
    host_and_path,
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

MAX_JOBS = 1_000
OVER = ("success", "failed", "canceled", "skipped")  # a pipeline in which nothing goes on
_CHANGE = re.compile(r"refs/merge-requests/(\d+)/", re.ASCII)  # ref of a merge request's job


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
        if not jobs:
            return Content(outcome="ignored", reason="the pipeline hook lists no jobs")
    else:
        return Content(outcome="ignored", reason=f"event {kind[:50]} is not used")
    return Content(reports=tuple(_report(document, job, request) for job in jobs))


def _job_of_hook(document: Json) -> Json:
    """Return a Job Hook's job with the keys of a Pipeline Hook's; `commit` is the pipeline's."""
    pipeline = optional(document, "commit")
    keys = ("name", "stage", "status", "created_at", "started_at", "finished_at")
    job = {name: document.get(f"build_{name}") for name in keys}
    return job | {
        "id": number(document, "build_id"),
        "allow_failure": document.get("build_allow_failure"),
        "failure_reason": document.get("build_failure_reason"),
        "retries": document.get("retries_count"),
        "pipeline_id": document.get("pipeline_id") or pipeline.get("id"),
        "pipeline_status": pipeline.get("status"),
        "workflow": pipeline.get("name"),
        "ref": document.get("ref"),
        "tag": document.get("tag"),
        "sha": document.get("sha"),
        "stages": [],
    }


def _jobs_of_pipeline(document: Json) -> list[Json]:
    """Return a Pipeline Hook's jobs with the pipeline's own fields; retried jobs are absent."""
    pipeline, listed = section(document, "object_attributes"), document.get("builds")
    jobs = listed if isinstance(listed, list) else []
    shared = {
        "pipeline_id": pipeline.get("id"),
        "pipeline_status": pipeline.get("status"),
        "workflow": pipeline.get("name"),
        "ref": pipeline.get("ref"),
        "tag": pipeline.get("tag"),
        "sha": pipeline.get("sha"),
        "stages": pipeline.get("stages"),
        "variables": pipeline.get("variables"),
    }
    return [shared | job for job in jobs[:MAX_JOBS] if isinstance(job, dict)]


def _report(document: Json, job: Json, request: Request) -> Report:
    home, host, project = _place(document)
    listed = job.get("stages")
    stages = listed if isinstance(listed, list) else []
    job_id = number(job, "id", "builds.")
    name, workflow = text(job, "name") or "", text(job, "workflow")
    pipeline = str(job.get("pipeline_id") or "")
    branch = (
        None if job.get("tag") is True or _CHANGE.match(str(job.get("ref"))) else job.get("ref")
    )
    statement = Statement(
        build_number="",
        run=Run(
            key=bounded(f"gitlab:{host}:{job_id}"),
            attempt=_attempt(job),
            url=f"{home}/-/jobs/{job_id}" if host else None,
            commit=text(job, "sha"),
            branch=branch[:200] if isinstance(branch, str) else None,
            pipeline=bounded(f"gitlab:{host}:{pipeline}") if pipeline else None,
            default_branch=text(optional(document, "project"), "default_branch"),
            pull_request=_merge_request(document, job),
        ),
        events=tuple(_events(job, request)),
        created_by=text(optional(document, "user"), "username"),
        order=tuple(each for each in stages if isinstance(each, str))[:MAX_JOBS],
        names=names(job=name, workflow=workflow),
    )
    subject = Subject(
        source="gitlab",
        repository=project,
        run=pipeline,
        job=name,
        workflow=workflow,
        branch=text(job, "ref"),
        variables=_variables(job),
    )
    return Report(statement, subject)


def _attempt(job: Json) -> int | None:
    retries = job.get("retries")
    return retries + 1 if type(retries) is int and 0 <= retries < 1_000_000 else None


def _merge_request(document: Json, job: Json) -> str | None:
    """Return the number of the merge request of the pipeline: a Pipeline Hook has it in an object,
    a Job Hook in the job's ref, and a fork's request may be in neither."""
    count = optional(document, "merge_request").get("iid")
    if type(count) is int:
        return str(count)
    match = _CHANGE.match(str(job.get("ref")))
    if match:
        return match[1]
    source = text(optional(document, "object_attributes"), "source")
    return text(job, "ref") if source == "merge_request_event" else None


def _events(job: Mapping[str, Any], request: Request) -> list[Event]:
    """Return the events of the job as a build, and of its stage as the build's one stage."""
    word, name = text(job, "status") or "", text(job, "name") or ""
    began, finished = _second(job.get("started_at")), _second(job.get("finished_at"))
    stage = text(job, "stage") or name
    over = job.get("pipeline_status") in OVER
    if word in SKIPPED or (word == "manual" and not began and over):
        return [never_ran(_second(job.get("created_at")), word, request.received_at)]
    running = begun(began, "running")
    if began and stage:
        running.append(Event("stage", began, status="started", stage=stage))
    if word in ENDS:
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


def _place(document: Json) -> tuple[str, str, str]:
    """Return the project's page, its server's host and its path; older Job Hooks have no project,
    but the same page as the repository's."""
    project = optional(document, "project")
    home = text(project, "web_url", 2_000)
    home = home or text(optional(document, "repository"), "homepage", 2_000) or ""
    host, parts = host_and_path(home)
    path = text(project, "path_with_namespace") or "/".join(parts)
    return home.rstrip("/"), host, path or str(document.get("project_id") or "")


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
