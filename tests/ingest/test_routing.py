"""The file of routes: matches, dimensions, mistakes and suggestions."""

from collections.abc import Callable

import orjson
import pytest
from click.testing import Result

from receiver.domain.delivery import Report, Subject
from receiver.domain.model import Identity, Run, Statement
from receiver.errors import ConfigError
from receiver.ingest.route_suggestions import suggest
from receiver.ingest.routing import MOST_KNOWN, Routes
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


def test_a_job_that_was_matched_before_is_matched_alike():
    file = routes('[[route]]\njob = "^build$"\nvariables = { IMAGE = "^(?P<image_type>[a-z]+)" }')
    jobs = [subject(run=str(run), variables={"IMAGE": "web"}) for run in range(MOST_KNOWN + 1)]
    before = [file.match(each) for each in jobs]
    assert [file.match(each) for each in jobs] == before
    assert len({each.build_number for each in before if each}) == len(jobs)
    again = [file.match(subject(run="0", variables={"IMAGE": name})) for name in ("web", "db")]
    assert [each and each.identity.image_type for each in again] == ["web", "db"]
    assert file.match(subject(run="0")) is None
    assert len(file.known) <= MOST_KNOWN


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
        ("route = [1]\n", "with two brackets"),
        ("[[route]]\njob = 'x'\nvariables = {a = 1}\n", "line 1: variables.a must be text"),
        ("a = " + "[" * 5_000, "routes.toml: maximum recursion depth"),
        ("a = " + "9" * 5_000, "routes.toml: Exceeds the limit"),
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


@pytest.mark.parametrize(
    ("job", "workflow", "steps"),
    [
        ("build-and-publish-ami", "", []),
        ("build-rhel9", "", []),
        ("packer-pipeline", "", []),
        ("images/rhel-9", "", []),
        ("build-amazonlinux", "", []),
        ("Build Windows Server 2022", "", []),
        ("build", "Weekly AMI build", []),
        ("build", "templates", ["Install Packer", "Build"]),
        ("Webserver image", "", ["Run `packer init`", "Run `packer build`"]),
        ("build_vhds", "Build Ubuntu 24.04", ["Build VHD using QEMU", "Upload VHD"]),
        ("build (C)", "", ["Set up Packer", "Run `packer validate`", "Build the image"]),
    ],
)
def test_an_image_build_is_suggested(job: str, workflow: str, steps: list[str]):
    (suggestion,) = suggest([report(job, *steps, workflow=workflow)])
    match = routes(suggestion.toml).match(subject(job=job, workflow=workflow))
    assert match


@pytest.mark.parametrize(
    ("job", "workflow", "steps"),
    [
        ("terraform-destroy", "Golden images", ["Terraform destroy"]),
        ("destroy-golden-image", "", []),
        ("deregister old AMIs", "AMI build", []),
        ("validate", "AMI build", ["Run hashicorp/setup-packer@main", "Packer validate"]),
        ("validate (rhel-9)", "packer", ["Packer init", "Packer validate"]),
        ("packer fmt", "", []),
        ("install-packer", "", []),
        ("images/website", "", []),
        ("packer-validate", "", []),
        ("test-image", "Golden image build", []),
        ("publish", "AMI build", ["Build AMI summary JSON", "Attach the manifest"]),
        ("build", "Node.js CI", ["Checkout", "npm ci", "npm run build"]),
        ("build", "docs", []),
        ("build-and-push", "GIB - golden images", ["Set up Docker Buildx", "Build and push"]),
        ("build-all (ubuntu)", "Controller", ["Call vendor workflow - ubuntu"]),
        ("create-launch-template", "AMI build", []),
    ],
)
def test_what_destroys_checks_or_builds_something_else_is_not_suggested(
    job: str, workflow: str, steps: list[str]
):
    assert suggest([report(job, *steps, workflow=workflow, repository="acme/packer-images")]) == []


def test_the_stages_of_a_gitlab_pipeline_are_no_steps_of_its_jobs():
    stages = ("packer-build", "terraform-destroy")
    jobs = [report(name, *stages, source="gitlab") for name in ("packer-build", "terraform-apply")]
    assert [each.jobs for each in suggest(jobs)] == [("packer-build",)]


@pytest.mark.parametrize(
    ("jobs", "known"),
    [
        (["Build Windows Server 2022 image"], [("Windows Server 2022", None)]),
        (["build-base-rhel9", "build-hana-sles15"], [("rhel9", "base"), ("sles15", "hana")]),
        (["image: [rhel-9, hana]", "image: [sles-15, base]"], [("rhel-9", "hana")]),
        (["build (rhel-9, x86)", "build (rhel-9, arm64)"], [("rhel-9", "x86")]),
    ],
)
def test_jobs_that_differ_by_a_group_are_one_route(
    jobs: list[str], known: list[tuple[str, str | None]]
):
    (suggestion,) = suggest([report(job, "Packer build") for job in jobs])
    matches = [routes(suggestion.toml).match(subject(job=job)) for job in jobs]
    found = [(each.identity.os_version, each.identity.image_type) for each in matches if each]
    assert found[: len(known)] == known
    assert len({each.build_number for each in matches if each}) == len(jobs)


def test_a_suggestion_fits_the_next_version_too():
    (suggestion,) = suggest([report("build-rhel9", "Packer build")])
    assert routes(suggestion.toml).match(subject(job="build-rhel10"))
    assert not routes(suggestion.toml).match(subject(job="build-docs"))


def test_the_name_of_a_workflow_tells_the_system_that_its_job_does_not():
    workflow = "Packer vSphere Rocky 9.3 templates"
    (suggestion,) = suggest([report("Packer Build Pipeline", "Run build", workflow=workflow)])
    match = routes(suggestion.toml).match(subject(job="Packer Build Pipeline", workflow=workflow))
    assert match
    assert match.identity.os_version == "rocky-9.3"


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
    assert row["route"] == ROUTE_FILE.read_text().split("[[route]]")[0].count("\n") + 1


def test_a_payload_that_no_route_matches_makes_no_build(command: Command):
    payload = orjson.dumps(workflow_job("completed", "success", name="lint"))
    output = command(*TEST, input=payload).stdout
    assert "No route fits" in output
    assert "its job does not fit 'lint'" in output
    (row,) = orjson.loads(command(*TEST, "--json", input=payload).stdout)
    assert row["route"] is None
    assert row["near"]["misses"] == {"job": "lint"}


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
