"""Of which build and run milepost-hook.sh reports: its numbers and names."""

import json
import os
from pathlib import Path

import pytest

from hooks import identity
from receiver.domain.model import NUMBER_SHAPE
from receiver.sources.fields import slug
from tests.support.ci_variables import GITHUB, GITLAB, JENKINS, packer
from tests.support.listeners import Listener
from tests.support.shell_hook import NUMBER, posted, run

PACKER = packer("amazon-ebs", "rhel 9")
DIMENSIONS = {"MILEPOST_OS_VERSION": "rhel-8.8", "MILEPOST_PLATFORM": "aws gov"}
RERUN = {**GITHUB, "GITHUB_RUN_ATTEMPT": "2", "RUNNER_NAME": "GitHub Actions 4"}
SUBGROUP = {**GITLAB, "CI_PROJECT_PATH": "acme/sub/images", "CI_JOB_NAME": "golden: [rhel-9, é]"}
PULL_REQUEST = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}
PULL_REQUEST |= {"GITHUB_WORKFLOW": "Golden images", "GITHUB_HEAD_REF": "topic"}
MERGE_REQUEST = {**GITLAB, "CI_MERGE_REQUEST_IID": "3", "CI_DEFAULT_BRANCH": "trunk"}
LONG = {**JENKINS, "BUILD_URL": f"https://jenkins.example.com/{'é' * 480}{'x' * 3000}/"}
LONG_NUMBER = {**GITLAB, "CI_JOB_NAME": "x" * 300, "MILEPOST_PIPELINE": "é" * 501}


@pytest.mark.parametrize("inside", [{}, PACKER], ids=["", "packer"])
@pytest.mark.parametrize("dimensions", [{}, DIMENSIONS], ids=["", "dimensions"])
@pytest.mark.parametrize(
    "around",
    [
        RERUN,
        {**RERUN, "MILEPOST_CHECK_RUN_ID": "84211"},
        PULL_REQUEST,
        SUBGROUP,
        MERGE_REQUEST,
        JENKINS,
        LONG,
        PACKER,
        NUMBER,
        LONG_NUMBER,
    ],
    ids=[
        "github",
        "check-run",
        "pull-request",
        "gitlab",
        "merge-request",
        "jenkins",
        "long",
        "packer",
        "number",
        "long-number",
    ],
)
def test_identity_is_that_of_the_hook_in_python(
    listener: Listener,
    around: dict[str, str],
    dimensions: dict[str, str],
    inside: dict[str, str],
):
    env = {**around, **dimensions, **inside}
    done = run(listener, "stage", "x", **env)
    assert (done.returncode, done.stderr) == (0, "")
    values, document = identity.identity({}, env), listener.posts[-1].document
    assert document["build"]["number"] == values["build_number"].text
    assert document["build"]["platform"] == values["platform"].text
    assert document["run"]["key"] == values["run_key"].text
    assert str(document["run"]["attempt"] or "") == (values["attempt"].text or "")
    for name in ("url", "commit", "branch", "pipeline", "default_branch", "pull_request"):
        assert document["run"].get(name) == values[name].text
    names = document["build"].get("names", {})
    assert names == {place: name for place, name in identity.names(env).items() if name}


ASCII = {  # a number that was given before stays as it is
    "golden: [rhel-9, aws]": "acme.images-900-golden-rhel-9-aws",
    "build (rhel-9)": "acme.images-900-build-rhel-9",
    "a/b": "acme.images-900-a.b",
    "Build \u2013 rhel\u00b79": "acme.images-900-Build-rhel-9",
}
LETTERS = [
    *["构建", "测试", "建构", "Сборка", "Проверка", "Образы/Сборка", "Образы/Проверка", "🐧", "🪟"],
    *["é", "è", "build-構建", "build-测试", "构建 rhel-9", "rhel-9 构建", "a—é", "名" * 60],
]


def numbers_of(listener: Listener, job: str) -> list[str]:
    """Return the default number of a job by the shell hook, the hook in Python, and a route."""
    env = {**GITLAB, "CI_JOB_NAME": job}
    assert run(listener, "stage", "x", **env).stderr == ""
    by_hook = identity.identity({}, env)["build_number"].text or ""
    return [listener.posts[-1].document["build"]["number"], by_hook, slug(f"acme.images-900-{job}")]


@pytest.mark.parametrize(("job", "number"), ASCII.items())
def test_number_of_latin_letters_has_no_digest(listener: Listener, job: str, number: str):
    by_shell, by_hook, _ = numbers_of(listener, job)
    assert (by_shell, by_hook) == (number, number)


def test_other_letters_give_each_job_a_number(listener: Listener):
    found = [numbers_of(listener, job) for job in LETTERS]
    assert all(by_shell == by_hook for by_shell, by_hook, _ in found)
    assert all(len({number[-10:] for number in numbers}) == 1 for numbers in found)
    for numbers in zip(*found, strict=True):
        assert len(set(numbers)) == len(LETTERS)
        assert all(NUMBER_SHAPE.fullmatch(number) for number in numbers)


def test_default_branch_is_in_githubs_event_file(listener: Listener, tmp_path: Path):
    event = {"ref": "x", "repository": {"default_branch": "trunk", "id": 1}}
    path = tmp_path / "event.json"
    for text in (json.dumps(event), json.dumps(event, indent=2)):
        path.write_text(text)
        env = {**GITHUB, "GITHUB_EVENT_PATH": str(path)}
        assert run(listener, "stage", "x", **env).stderr == ""
        assert listener.posts[-1].document["run"]["default_branch"] == "trunk"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (b"H\xe4rtung", "H?rtung"),
        (b"\xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80", None),
        ("é ☃ 𝄞".encode() + b"\xe2\x98", "é ☃ 𝄞?"),
    ],
)
def test_bytes_that_are_not_utf_8_are_replaced(listener: Listener, given: bytes, sent: str | None):
    post = posted(listener, "stage", given, MILEPOST_PROJECT=os.fsdecode(given))
    if sent:
        assert post.document["events"][0]["stage"] == post.document["build"]["project"] == sent
