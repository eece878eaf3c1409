"""Which variables GitHub, GitLab and Jenkins set for a job, and what each tells.

Vendors' pages, for each variable that is read here:
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
https://docs.github.com/en/webhooks/webhook-events-and-payloads (the event's file: `repository`)
https://docs.gitlab.com/ci/variables/predefined_variables/
https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables
https://www.jenkins.io/doc/book/pipeline/multibranch/#additional-environment-variables
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hooks import event_file
from hooks.settings import setting

Env = Mapping[str, str]


class Value(NamedTuple):
    """A value and its origin, for `check`."""

    text: str | None
    origin: str


UNSET = Value(None, "not set")


class Forge(NamedTuple):
    """The variables of a CI for each value; of several, the first that is set counts."""

    marks: tuple[str, ...]
    run: tuple[str, ...]
    job: str
    run_key: Callable[[Env], Value]
    url: Callable[[Env], Value]
    attempt: tuple[str, ...]
    commit: tuple[str, ...]
    branch: tuple[str, ...]
    created_by: tuple[str, ...]
    pipeline: Callable[[Env], Value]
    default_branch: Callable[[Env], Value]
    pull_request: Callable[[Env], Value]
    workflow: tuple[str, ...]


def variable(env: Env, *names: str) -> Value:
    """Return the first variable that is set, without blanks around it."""
    values = (Value(setting(env, name), name) for name in names)
    return next((value for value in values if value.text), UNSET)


def told(forge: Forge | None, name: str, env: Env) -> Value:
    """Return what the CI tells under a field of Forge."""
    if forge is None:
        return UNSET
    field = getattr(forge, name)
    value: Value = field(env) if callable(field) else variable(env, *field)
    return value


def forge_of(env: Env) -> Forge | None:
    """Return the CI of this job, None outside of one."""
    return next((forge for forge in FORGES if any(env.get(mark) for mark in forge.marks)), None)


def _github_key(env: Env) -> Value:
    """Return GitHub's key, with the runner's name if the check run's id is not passed on."""
    job = variable(env, "MILEPOST_CHECK_RUN_ID", "JOB_CHECK_RUN_ID", "RUNNER_NAME")
    run = (env.get("GITHUB_REPOSITORY", ""), env.get("GITHUB_RUN_ID", ""))
    parts = ("github", *run, env.get("GITHUB_RUN_ATTEMPT") or "1", job.text or "")
    return Value(":".join(parts), f"GITHUB_RUN_ID, {job.origin}")


def _github_url(env: Env) -> Value:
    server = env.get("GITHUB_SERVER_URL") or "https://github.com"
    path = f"{env.get('GITHUB_REPOSITORY', '')}/actions/runs/{env.get('GITHUB_RUN_ID', '')}"
    return Value(f"{server}/{path}", "GITHUB_RUN_ID")


def _github_pipeline(env: Env) -> Value:
    text = f"github:{env.get('GITHUB_REPOSITORY', '')}:{env.get('GITHUB_RUN_ID', '')}"
    return Value(text, "GITHUB_REPOSITORY, GITHUB_RUN_ID")


def _github_pull_request(env: Env) -> Value:
    """Return the number in `refs/pull/7/merge`, else the event's name where it is of one."""
    if not env.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return UNSET
    folder, _, number = env.get("GITHUB_REF", "").partition("refs/pull/")
    number = number.partition("/")[0] if not folder else ""
    number = number if number.isdecimal() else event_file.pull_request(env)
    return Value(number or env["GITHUB_EVENT_NAME"], "GITHUB_EVENT_NAME, GITHUB_REF")


def _github_default_branch(env: Env) -> Value:
    return Value(event_file.default_branch(env) or None, "GITHUB_EVENT_PATH")


def _gitlab_pipeline(env: Env) -> Value:
    if not env.get("CI_PIPELINE_ID"):
        return UNSET
    text = f"gitlab:{env.get('CI_SERVER_HOST', '')}:{env['CI_PIPELINE_ID']}"
    return Value(text, "CI_SERVER_HOST, CI_PIPELINE_ID")


def _unset(_: Env) -> Value:
    return UNSET


def _gitlab_key(env: Env) -> Value:
    if not env.get("CI_JOB_ID"):
        return UNSET
    return Value(f"gitlab:{env.get('CI_SERVER_HOST', '')}:{env['CI_JOB_ID']}", "CI_JOB_ID")


def _jenkins_key(env: Env) -> Value:
    if not env.get("BUILD_URL"):  # a Jenkins without a root URL
        return UNSET
    return Value(f"jenkins:{env['BUILD_URL']}", "BUILD_URL")


FORGES = (
    Forge(
        marks=("GITHUB_RUN_ID",),
        run=("GITHUB_REPOSITORY", "GITHUB_RUN_ID"),  # two workflows may share a run number
        job="GITHUB_JOB",
        run_key=_github_key,
        url=_github_url,
        attempt=("GITHUB_RUN_ATTEMPT",),
        commit=("GITHUB_SHA",),
        branch=("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        created_by=("GITHUB_ACTOR",),
        pipeline=_github_pipeline,
        default_branch=_github_default_branch,
        pull_request=_github_pull_request,
        workflow=("GITHUB_WORKFLOW",),
    ),
    Forge(
        marks=("CI_JOB_ID", "CI_PIPELINE_ID"),
        run=("CI_PROJECT_PATH", "CI_PIPELINE_ID"),
        job="CI_JOB_NAME",  # names the leg of a matrix; a retry keeps it
        run_key=_gitlab_key,
        url=lambda env: variable(env, "CI_JOB_URL"),
        attempt=(),
        commit=("CI_COMMIT_SHA",),
        branch=("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"),
        created_by=("GITLAB_USER_LOGIN",),
        pipeline=_gitlab_pipeline,
        default_branch=lambda env: variable(env, "CI_DEFAULT_BRANCH"),
        pull_request=lambda env: variable(env, "CI_MERGE_REQUEST_IID"),
        workflow=("CI_PIPELINE_NAME",),
    ),
    Forge(
        marks=("BUILD_URL", "BUILD_TAG"),
        run=("JOB_NAME", "BUILD_NUMBER"),
        job="",  # STAGE_NAME changes from call to call of one build
        run_key=_jenkins_key,
        url=lambda env: variable(env, "BUILD_URL"),
        attempt=(),
        commit=("GIT_COMMIT",),
        branch=("CHANGE_BRANCH", "BRANCH_NAME"),
        created_by=("BUILD_USER_ID",),
        pipeline=_unset,  # a Jenkins build is one run: several jobs say MILEPOST_PIPELINE
        default_branch=_unset,
        pull_request=lambda env: variable(env, "CHANGE_ID"),
        workflow=("JOB_NAME",),
    ),
)
