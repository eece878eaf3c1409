"""The file of routes: matches, dimensions, mistakes and suggestions."""

from collections.abc import Callable

import orjson
import pytest
from click.testing import Result

from receiver.domain.model import Identity, Report, Run, Statement, Subject
from receiver.errors import ConfigError
from receiver.ingest.route_suggestions import suggest
from receiver.ingest.routing import Routes
from tests.support.forges import workflow_job
from tests.support.samples import ROUTE_FILE

Command = Callable[..., Result]
TEST = ("routes", "test", str(ROUTE_FILE))


def subject(**more: object) -> Subject:
    known = {"source": "github", "repository": "acme/images", "run": "500", "job": "build"}
    return Subject(**known | more)  # type: ignore[arg-type]


def routes(text: str) -> Routes:
    return Routes.parse(text, "routes.toml")


def test_the_first_route_that_matches_counts():
    file = routes("""
[[route]]
repository = "acme/*"
job = "^build$"
platform = "aws"
[[route]]
repository = "*"
job = "build"
platform = "azure"
""")
    first, second = file.match(subject()), file.match(subject(job="rebuild"))
    assert first
    assert second
    assert (first.identity.platform, second.identity.platform) == ("aws", "azure")
    assert file.match(subject(job="lint")) is None


@pytest.mark.parametrize(
    ("route", "fits"),
    [
        ('repository = "acme/*"', True),
        ('repository = "other/*"', False),
        ('repository = "acme/images"\nsource = "gitlab"', False),
        ('workflow = "golden*"', True),
        ('workflow = "Golden*"', False),
        ('job = "build"\nbranch = "^main$"', True),
        ('job = "build"\nbranch = "^release/"', False),
        ('job = "build"\nvariables = { IMAGE = "^rhel" }', True),
        ('job = "build"\nvariables = { IMAGE = "^sles" }', False),
        ('job = "build"\nvariables = { OTHER = "." }', False),
    ],
)
def test_a_route_matches_only_with_all_its_keys(route: str, fits: bool):
    job = subject(workflow="golden images", branch="main", variables={"IMAGE": "rhel-9"})
    assert bool(routes(f"[[route]]\n{route}\n").match(job)) is fits


def test_groups_and_constants_give_the_dimensions():
    file = routes(r"""
[[route]]
job = 'build \((?P<os_version>[^,]+), (?P<image_type>[^,)]+)\)'
variables = { CLOUD = '(?P<platform>\w+)' }
branch = '^(?P<project>[^/]+)'
image_type = "base"
""")
    job = subject(job="build (rhel-9, hana)", branch="core/main", variables={"CLOUD": "aws"})
    match = file.match(job)
    assert match
    assert match.identity == Identity("core", "aws", "rhel-9", "hana")
    assert match.build_number == "acme-images-500-rhel-9-hana-aws"


def test_a_group_may_give_the_build_number():
    match = routes("[[route]]\njob = 'image (?P<build_number>.+)'\n").match(
        subject(job="image rhel/9 nightly")
    )
    assert match
    assert match.build_number == "rhel-9-nightly"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[route]]\njob = '('\n", "route at line 1: job is no regular expression"),
        ("\n\n[[route]]\njobs = 'x'\n", "route at line 3: jobs is unknown"),
        ("[[route]]\njob = 1\n", "job must be text"),
        ("[[route]]\njob = '(?P<os>x)'\n", "job names the groups ['os']; known are project"),
        ("[[route]]\nplatform = 'aws'\n", "name a repository, a workflow or a job"),
        ("[[route]]\njob = 'x'\nvariables = 'x'\n", "variables must be a table"),
        ("[[route]]\njob = 'x'\nvariables = { A = '(' }\n", "A is no regular expression"),
        ("[route]\njob = 'x'\n", "with two brackets"),
        ("[[rout]]\njob = 'x'\n", "rout is unknown; write [[route]] tables"),
        ("[[route]\n", "line 1"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, problem: str):
    with pytest.raises(ConfigError) as caught:
        routes(text)
    assert problem in str(caught.value)
    assert "routes.toml" in str(caught.value)


def report(name: str, *steps: str, repository: str = "acme/images", **more: object) -> Report:
    statement = Statement("", Run("github:1"), (), order=steps)
    return Report(statement, subject(job=name, repository=repository, **more))


IMAGE_JOBS = [
    *(
        report(f"build ({os}, {kind}, {cloud})", "Packer build", workflow="Golden images")
        for os in ("rhel-9", "ubuntu-24.04", "windows-2022")
        for kind in ("base", "hana")
        for cloud in ("aws", "azure")
    ),
    *(report(f"build-{os}", "Run packer build .") for os in ("rhel9", "amazonlinux-2", "ubuntu")),
    report("bake the golden image", workflow="it's [nightly]"),
]
OTHER_JOBS = [
    report("lint", workflow="Golden images"),
    report("terraform apply"),
    report("test", "npm test", repository="acme/website"),
    report("build", "docker build", repository="acme/website"),
    report("", repository="acme/images"),
]


def test_only_jobs_that_look_like_image_builds_are_suggested():
    suggestions = suggest(IMAGE_JOBS + OTHER_JOBS)
    assert [len(each.jobs) for each in suggestions] == [12, 3, 1]
    suggested = {name for each in suggestions for name in each.jobs}
    assert suggested == {each.subject.job for each in IMAGE_JOBS}


def test_a_suggestion_matches_its_jobs_and_no_other():
    file = routes("\n".join(each.toml for each in suggest(IMAGE_JOBS + OTHER_JOBS)))
    assert all(file.match(each.subject) for each in IMAGE_JOBS)
    assert not any(file.match(each.subject) for each in OTHER_JOBS)


def test_a_suggestion_for_a_matrix_gives_the_dimensions():
    file = routes(suggest(IMAGE_JOBS)[0].toml)
    match = file.match(IMAGE_JOBS[0].subject)
    assert match
    assert match.identity == Identity("images", "aws", "rhel-9", "base")


def test_a_suggestion_for_names_with_an_os_gives_the_os_version():
    file = routes(suggest(IMAGE_JOBS)[1].toml)
    match = file.match(subject(job="build-amazonlinux-2"))
    assert match
    assert match.identity.os_version == "amazonlinux-2"


def test_a_payload_is_tried_out(command: Command):
    payload = orjson.dumps(workflow_job("completed", "success"))
    output = command(*TEST, input=payload).stdout
    assert "acme-images-500-rhel-9-hana-aws" in output
    assert "Harden OS" in output
    (row,) = orjson.loads(command(*TEST, "--json", input=payload).stdout)
    assert (row["platform"], row["os_version"], row["image_type"]) == ("aws", "rhel-9", "hana")
    assert {"job": row["job"], "stage": "Harden OS", "state": 25} in row["stages"]


def test_a_payload_that_no_route_matches_makes_no_build(command: Command):
    payload = orjson.dumps(workflow_job("completed", "success", name="lint"))
    assert "No route fits" in command(*TEST, input=payload).stdout


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"not json", "name the source"),
        (b'{"zen": "x", "repository": {}}', "It would be ignored: event unknown is not used"),
        (b'{"workflow_job": null, "repository": {"full_name": "a/b"}}', "workflow_job"),
    ],
)
def test_a_payload_that_cannot_be_read_is_an_error(command: Command, payload: bytes, problem: str):
    result = command(*TEST, input=payload)
    assert result.exit_code != 0
    assert problem in result.output
