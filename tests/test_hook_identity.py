"""Which build a hook speaks of, from the lines that hooks/README.md documents."""

from itertools import product

import pytest

from hooks import ci
from hooks.errors import HookError

GITHUB = {
    "GITHUB_REPOSITORY": "acme/images",
    "GITHUB_RUN_ID": "500",
    "GITHUB_RUN_NUMBER": "7",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_JOB": "image",
    "GITHUB_SHA": "4f2c9d1",
    "GITHUB_REF_NAME": "main",
    "GITHUB_ACTOR": "ada",
    "GITHUB_SERVER_URL": "https://github.example.com",
    "RUNNER_NAME": "runner-4",
}
GITLAB = {
    "CI_PROJECT_PATH": "acme/images",
    "CI_PIPELINE_ID": "900",
    "CI_JOB_ID": "4242",
    "CI_JOB_NAME": "image: [rhel-9, aws]",
    "CI_JOB_URL": "https://gitlab.example.com/acme/images/-/jobs/4242",
    "CI_SERVER_HOST": "gitlab.example.com",
    "CI_COMMIT_SHA": "4f2c9d1",
    "CI_COMMIT_REF_NAME": "main",
    "GITLAB_USER_LOGIN": "ada",
}
JENKINS = {
    "JOB_NAME": "images/main",
    "BUILD_NUMBER": "12",
    "BUILD_URL": "https://jenkins.example.com/job/images/job/main/12/",
}


def packer(kind: str, name: str) -> dict[str, str]:
    return {"PACKER_RUN_UUID": "u-1", "PACKER_BUILDER_TYPE": kind, "PACKER_BUILD_NAME": name}


def number(env: dict[str, str]) -> str | None:
    return ci.identity({}, env)["build_number"].text


SOURCES = [("amazon-ebs", "rhel"), ("amazon-ebs", "ubuntu"), ("qemu", "rhel")]


@pytest.mark.parametrize("around", [{}, GITHUB, GITLAB, JENKINS], ids=["none", "gh", "gl", "je"])
def test_three_sources_of_one_template_are_three_builds(around: dict[str, str]):
    assert len({number({**around, **packer(*source)}) for source in SOURCES}) == 3


def test_four_legs_of_a_matrix_are_four_builds():
    legs = product(["rhel-9", "ubuntu-24.04"], ["base", "hana"])
    numbers = {
        number({**GITHUB, "MILEPOST_OS_VERSION": version, "MILEPOST_IMAGE_TYPE": kind})
        for version, kind in legs
    }
    assert len(numbers) == 4


def test_two_repositories_with_equal_run_numbers_are_two_builds():
    other = {**GITHUB, "GITHUB_REPOSITORY": "acme/tools", "GITHUB_RUN_ID": "501"}
    assert number(GITHUB) != number(other)
    assert number(GITLAB) != number({**GITLAB, "CI_PROJECT_PATH": "acme/tools"})


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (GITHUB, {**GITHUB, "GITHUB_RUN_ATTEMPT": "2", "RUNNER_NAME": "runner-9"}),
        (GITLAB, {**GITLAB, "CI_JOB_ID": "4300"}),
    ],
)
def test_a_rerun_is_the_same_build_under_another_key(first: dict[str, str], again: dict[str, str]):
    before, after = ci.identity({}, first), ci.identity({}, again)
    assert before["build_number"] == after["build_number"]
    assert before["run_key"] != after["run_key"]


def test_a_new_jenkins_build_is_a_new_build():
    assert number(JENKINS) != number({**JENKINS, "BUILD_NUMBER": "13"})


@pytest.mark.parametrize(
    ("env", "key"),
    [
        (GITHUB, "github:acme/images:500:1:runner-4"),
        ({**GITHUB, "MILEPOST_CHECK_RUN_ID": "84211"}, "github:acme/images:500:1:84211"),
        (GITLAB, "gitlab:gitlab.example.com:4242"),
        (JENKINS, "jenkins:https://jenkins.example.com/job/images/job/main/12/"),
        (packer("null", "base"), "u-1"),
        ({"MILEPOST_BUILD_NUMBER": "b"}, "local"),
    ],
)
def test_the_run_key_is_what_the_forge_can_tell_too(env: dict[str, str], key: str):
    assert ci.identity({}, env)["run_key"].text == key


def test_an_unset_platform_is_packers_builder():
    env = packer("amazon-ebs", "rhel")
    assert ci.identity({}, env)["platform"].text == "amazon-ebs"
    said = ci.identity({}, {**env, "MILEPOST_PLATFORM": "aws-gov"})
    assert said["platform"] == ci.Value("aws-gov", "MILEPOST_PLATFORM")


def test_a_flag_wins_over_a_variable():
    values = ci.identity({"build_number": "flag"}, {"MILEPOST_BUILD_NUMBER": "variable"})
    assert values["build_number"] == ci.Value("flag", "--build-number")


def test_the_run_is_described_by_the_cis_own_variables():
    values = ci.identity({}, GITHUB)
    told = {
        name: values[name].text for name in ("url", "commit", "branch", "created_by", "attempt")
    }
    assert told == {
        "url": "https://github.example.com/acme/images/actions/runs/500",
        "commit": "4f2c9d1",
        "branch": "main",
        "created_by": "ada",
        "attempt": "1",
    }


@pytest.mark.parametrize("wrong", ["a b", "é", "x" * 201, "a/b"])
def test_a_wrong_number_says_which_variable_to_change(wrong: str):
    with pytest.raises(HookError, match="MILEPOST_BUILD_NUMBER must be"):
        ci.identity({}, {"MILEPOST_BUILD_NUMBER": wrong})


def test_without_any_number_it_says_what_to_set():
    with pytest.raises(HookError, match="set MILEPOST_BUILD_NUMBER"):
        ci.identity({}, {})


def test_long_names_stay_apart_and_in_bounds():
    numbers = {number({**GITLAB, "CI_JOB_NAME": "x" * 300 + end}) for end in "ab"}
    assert len(numbers) == 2
    assert all(each is not None and len(each) <= 200 for each in numbers)
