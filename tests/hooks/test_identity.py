"""The identity of a build, from the variables that hooks/README.md documents."""

import hashlib
import re
from itertools import product
from pathlib import Path

import pytest

from hooks import identity, settings, signing
from hooks.errors import HookError
from hooks.forges import Value
from tests.support import ROOT
from tests.support.ci_variables import GITHUB, GITLAB, JENKINS, packer


def number(env: dict[str, str]) -> str | None:
    return identity.identity({}, env)["build_number"].text


SOURCES = [("amazon-ebs", "rhel"), ("amazon-ebs", "ubuntu"), ("qemu", "rhel")]


@pytest.mark.parametrize("around", [{}, GITHUB, GITLAB, JENKINS], ids=["none", "gh", "gl", "je"])
def test_three_sources_of_one_template_are_three_builds(around: dict[str, str]):
    assert len({number({**around, **packer(*source)}) for source in SOURCES}) == 3


def documented_job(forge: str) -> str:
    """Return the first job to paste on the forge's page."""
    page = ROOT / "docs" / f"{forge}.md"
    return page.read_text().partition("```yaml\n")[2].partition("```")[0]


def github_legs() -> list[dict[str, str]]:
    """Return the environment of each leg of the documented job."""
    text = documented_job("github")
    matrix = {key: values.split(", ") for key, values in re.findall(r"(\w+): \[(.*)\]", text)}
    lines = re.findall(r"([\w-]+): \$\{\{ matrix\.(\w+) \}\}", text)
    legs = [dict(zip(matrix, values, strict=True)) for values in product(*matrix.values())]
    return [{**GITHUB, **{variable(name): leg[key] for name, key in lines}} for leg in legs]


def variable(name: str) -> str:
    """Return the variable that the action sets from an input."""
    return f"MILEPOST_{name.upper().replace('-', '_')}"


def gitlab_legs() -> list[dict[str, str]]:
    lines = re.findall(r"(MILEPOST_\w+): \[(.*)\]", documented_job("gitlab"))
    names, values = [name for name, _ in lines], [each.split(", ") for _, each in lines]
    return [{**GITLAB, **dict(zip(names, leg, strict=True))} for leg in product(*values)]


@pytest.mark.parametrize("legs", [github_legs(), gitlab_legs()], ids=["github", "gitlab"])
def test_six_legs_of_a_matrix_are_six_builds(legs: list[dict[str, str]]):
    assert len(legs) == 6
    assert len({number(leg) for leg in legs}) == 6


def test_each_leg_that_gitlab_names_is_a_build():
    names = ["golden: [rhel-9, aws]", "golden: [rhel-9, azure]", "golden: [ol-9, aws]", "golden"]
    assert len({number({**GITLAB, "CI_JOB_NAME": name}) for name in names}) == 4


def test_three_sources_in_each_of_six_legs_are_eighteen_builds():
    builds = product(github_legs(), SOURCES)
    assert len({number({**leg, **packer(*source)}) for leg, source in builds}) == 18


def test_two_repositories_with_equal_run_numbers_are_two_builds():
    for forge, name in ((GITHUB, "GITHUB_REPOSITORY"), (GITLAB, "CI_PROJECT_PATH")):
        assert number(forge) != number({**forge, name: "acme/tools"})
    assert number(JENKINS) != number({**JENKINS, "JOB_NAME": "images-main"})


def test_two_workflows_with_equal_run_numbers_are_two_builds():
    assert number(GITHUB) != number({**GITHUB, "GITHUB_RUN_ID": "501"})


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (GITHUB, "acme.images-500-image"),
        ({**GITHUB, "MILEPOST_OS_VERSION": "rhel 9"}, "acme.images-500-rhel-9"),
        ({**GITHUB, **packer("null", "base")}, "acme.images-500-image-null-base"),
        (GITLAB, "acme.images-900-image-rhel-9-aws"),
        ({**GITLAB, **packer("null", "base")}, "acme.images-900-image-rhel-9-aws-null-base"),
        (JENKINS, "images.main-12"),
        ({**JENKINS, "BUILD_URL": "", "BUILD_TAG": "jenkins-images-main-12"}, "images.main-12"),
        (packer("amazon-ebs", "rhel"), "packer-u-1-amazon-ebs-rhel"),
    ],
)
def test_default_number_names_run_and_dimensions_or_job(env: dict[str, str], expected: str):
    assert number(env) == expected


@pytest.mark.parametrize("around", [GITHUB, GITLAB, JENKINS, packer("null", "base")])
def test_explicit_number_is_not_changed(around: dict[str, str]):
    assert number({**around, "MILEPOST_BUILD_NUMBER": "core:rhel@9+x_1"}) == "core:rhel@9+x_1"


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (GITHUB, {**GITHUB, "GITHUB_RUN_ATTEMPT": "2", "RUNNER_NAME": "runner-9"}),
        (GITLAB, {**GITLAB, "CI_JOB_ID": "4300"}),
    ],
)
def test_rerun_is_the_same_build_with_another_run_key(first: dict[str, str], again: dict[str, str]):
    before, after = identity.identity({}, first), identity.identity({}, again)
    assert before["build_number"] == after["build_number"]
    assert before["run_key"] != after["run_key"]


def test_new_jenkins_build_is_a_new_build():
    assert number(JENKINS) != number({**JENKINS, "BUILD_NUMBER": "13"})


@pytest.mark.parametrize(
    ("env", "key"),
    [
        (GITHUB, "github:acme/images:500:1:runner-4"),
        ({**GITHUB, "MILEPOST_CHECK_RUN_ID": "84211"}, "github:acme/images:500:1:84211"),
        (GITLAB, "gitlab:gitlab.example.com:4242"),
        ({**GITHUB, "JOB_CHECK_RUN_ID": "84211"}, "github:acme/images:500:1:84211"),
        ({**GITLAB, **packer("null", "base")}, "gitlab:gitlab.example.com:4242"),
        (JENKINS, "jenkins:https://jenkins.example.com/job/images/job/main/12/"),
        (packer("null", "base"), "u-1"),
        ({"MILEPOST_BUILD_NUMBER": "b"}, "local"),
    ],
)
def test_run_key_is_the_key_of_the_forges_webhooks(env: dict[str, str], key: str):
    assert identity.identity({}, env)["run_key"].text == key


def test_unset_platform_is_packers_builder_type():
    env = packer("amazon-ebs", "rhel")
    assert identity.identity({}, env)["platform"].text == "amazon-ebs"
    explicit = identity.identity({}, {**env, "MILEPOST_PLATFORM": "aws-gov"})
    assert explicit["platform"] == Value("aws-gov", "MILEPOST_PLATFORM")


def test_flag_wins_over_a_variable():
    values = identity.identity({"build_number": "flag"}, {"MILEPOST_BUILD_NUMBER": "variable"})
    assert values["build_number"] == Value("flag", "--build-number")


GITHUB_URL = "https://github.example.com/acme/images/actions/runs/500"
RUN = ("url", "commit", "branch", "created_by", "attempt")


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (
            {**GITHUB, "BUILD_URL": "https://elsewhere.example.com"},
            (GITHUB_URL, "4f2c9d1", "main", "ada", "1"),
        ),
        (
            {**GITHUB, "GITHUB_HEAD_REF": "topic", "GITHUB_REF_NAME": "7/merge"},
            (GITHUB_URL, "4f2c9d1", "topic", "ada", "1"),
        ),
        (GITLAB, (GITLAB["CI_JOB_URL"], "4f2c9d1", "main", "ada", None)),
        (
            {**JENKINS, "GIT_COMMIT": "4f2c9d1", "BRANCH_NAME": "main", "BUILD_USER_ID": "ada"},
            (JENKINS["BUILD_URL"], "4f2c9d1", "main", "ada", None),
        ),
        (packer("null", "base"), (None,) * 5),
    ],
    ids=["github", "pull-request", "gitlab", "jenkins", "packer"],
)
def test_run_is_described_by_the_cis_own_variables(
    env: dict[str, str], expected: tuple[str | None, ...]
):
    values = identity.identity({}, env)
    assert tuple(values[name].text for name in RUN) == expected


@pytest.mark.parametrize("name", ["attempt", "created_by", "run_key"])
def test_flag_replaces_a_value_of_the_ci(name: str):
    flag = f"--{name.replace('_', '-')}"
    assert identity.identity({name: "7"}, GITHUB)[name] == Value("7", flag)


@pytest.mark.parametrize("wrong", ["a b", "é", "x" * 201, "a/b"])
def test_invalid_number_names_the_variable_to_change(wrong: str):
    with pytest.raises(HookError, match="MILEPOST_BUILD_NUMBER must be"):
        identity.identity({}, {"MILEPOST_BUILD_NUMBER": wrong})


def test_missing_number_names_the_variable_to_set():
    with pytest.raises(HookError, match="set MILEPOST_BUILD_NUMBER"):
        identity.identity({}, {})


def test_long_names_stay_different_and_within_the_limit():
    numbers = {number({**GITLAB, "CI_JOB_NAME": "x" * 300 + end}) for end in "ab"}
    assert len(numbers) == 2
    assert all(each is not None and len(each) <= 200 for each in numbers)


def told(env: dict[str, str]) -> tuple[str | None, ...]:
    values = identity.identity({}, env)
    return tuple(values[name].text for name in ("pipeline", "default_branch", "pull_request"))


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (GITHUB, ("github:acme/images:500", None, None)),
        (
            {**GITHUB, "GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_REF": "refs/heads/main"},
            ("github:acme/images:500", None, "pull_request_target"),
        ),
        (
            {**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"},
            ("github:acme/images:500", None, "7"),
        ),
        (GITLAB, ("gitlab:gitlab.example.com:900", None, None)),
        (
            {**GITLAB, "CI_DEFAULT_BRANCH": "trunk", "CI_MERGE_REQUEST_IID": "3"},
            ("gitlab:gitlab.example.com:900", "trunk", "3"),
        ),
        (JENKINS, (None, None, None)),
        (
            {**JENKINS, "CHANGE_ID": "9", "MILEPOST_PIPELINE": "night 7"},
            ("night 7", None, "9"),
        ),
        ({"MILEPOST_BUILD_NUMBER": "b"}, (None, None, None)),
    ],
)
def test_pipeline_default_branch_and_pull_request_are_the_cis(
    env: dict[str, str], expected: tuple[str | None, ...]
):
    assert told(env) == expected


@pytest.mark.parametrize(
    ("text", "branch"),
    [
        ('{"repository": {"default_branch": "trunk"}}', "trunk"),
        ('{"schedule": "0 4 * * *"}', None),
        ('{"repository": {"default_branch": 7}}', None),
        ('{"repository": []}', None),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_default_branch_is_in_githubs_event_file(tmp_path: Path, text: str, branch: str | None):
    (tmp_path / "event.json").write_text(text)
    assert told({**GITHUB, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")})[1] == branch
    assert told({**GITHUB, "GITHUB_EVENT_PATH": "/dev/zero"})[1] is None


def test_pull_request_number_is_in_the_event_file_too(tmp_path: Path):
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 12}}')
    event = {"GITHUB_EVENT_NAME": "pull_request_review", "GITHUB_REF": "refs/heads/main"}
    assert told({**GITHUB, **event, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")})[2] == "12"


def test_job_and_workflow_are_names_of_the_build():
    assert identity.names({**GITHUB, "GITHUB_WORKFLOW": "golden"}) == {
        "job": "image",
        "workflow": "golden",
    }
    assert identity.names({**GITLAB, "CI_PIPELINE_NAME": "night"})["workflow"] == "night"
    assert identity.names(JENKINS) == {"job": None, "workflow": "images/main"}
    assert identity.names({}) == {"job": None, "workflow": None}


def test_long_run_key_is_its_beginning_and_a_digest():
    url = "https://jenkins.example.com/job/" + "x" * 600 + "/12/"
    key = identity.identity({}, {**JENKINS, "BUILD_URL": url})["run_key"].text or ""
    digest = hashlib.sha256(f"jenkins:{url}".encode()).hexdigest()
    assert key == f"jenkins:{url}"[:450] + "~" + digest[:32]
    assert identity.short_key("x" * 500) == "x" * 500


def test_long_url_loses_its_query_and_is_cut():
    url = f"https://jenkins.example.com/job/x/?{'a' * 2000}"
    assert identity.identity({}, {**JENKINS, "BUILD_URL": url})["url"].text == url.partition("?")[0]
    long = f"https://jenkins.example.com/{'a' * 3000}"
    assert len(identity.identity({}, {**JENKINS, "BUILD_URL": long})["url"].text or "") == 2000


@pytest.mark.parametrize("mark", ["\ufeff", "\u00ef\u00bb\u00bf", "\udcef\udcbb\udcbf"])
def test_byte_order_mark_is_no_part_of_a_setting(mark: str):
    env = {"MILEPOST_URL": f"{mark}https://a.example ", "MILEPOST_BUILD_NUMBER": f"{mark}b-1\r\n"}
    assert settings.address(env) == "https://a.example/webhooks/milepost"
    assert number(env) == "b-1"
    assert signing.secret_of({"MILEPOST_SECRET": f"{mark}bearer:x\r\nbearer:y"}) == "bearer:x"
