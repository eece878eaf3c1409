"""The reader gives the same builds for each release, builder and form, whatever a script says."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from hooks.wrapper import artifacts
from hooks.wrapper.parser import Reader
from hooks.wrapper.template import Source, Template
from tests.support.packer_output import read
from tests.support.packer_runs import (
    CAUSE,
    ENDS,
    FORMS,
    GOOD,
    RELEASES,
    printed,
    target_of,
)
from tests.support.packer_words import BUILDERS

TEMPLATE = Template(
    components=frozenset({("provisioner", "shell"), ("post", "manifest")}), is_read=True
)


def run(kind: str, release: str, form: str, end: str) -> tuple[Reader, list[dict[str, Any]]]:
    """Return the reader at the end, and the events of its one target."""
    targets = {target_of(kind): Source(kind, "golden")}
    template = TEMPLATE._replace(targets=targets)
    reader = read(printed(kind, release, form, end), template=template)
    assert list(reader.targets) == [target_of(kind)]
    return reader, [event for _, event in reader.take(datetime.max.replace(tzinfo=UTC))]


def stages(kind: str, end: str) -> list[tuple[str, int | None]]:
    """Return the stages that such a run has, with the states that Packer's phases say."""
    scripts = [(each.rpartition("/")[2].removesuffix(".sh"), None) for each in GOOD]
    connected = [("Connected", 10)]
    image = [("Image creation", 95)] if BUILDERS[kind].image else []
    if kind == "file":
        connected, scripts = [], []
    rest = [*image, ("Post-processor manifest", 95)] if end == "finished" else []
    return [("Machine starting", 5), *connected, *scripts, *rest]


def resources(events: list[dict[str, Any]]) -> set[str]:
    """Return the ids of the resources that are still there at the end."""
    there: dict[str, str] = {}
    for event in events:
        if event["kind"] == "resource":
            there[event["resource"]["id"]] = event["status"]
    return {each for each, status in there.items() if status == "created"}


CASES = [
    (kind, end)
    for kind, end in itertools.product(BUILDERS, ENDS)
    if (kind, end) not in {("file", "failed"), ("file", "cut")}
]


@pytest.mark.parametrize(("kind", "end"), CASES)
def test_every_release_and_form_has_the_same_stages(kind: str, end: str):
    for release, form in itertools.product(RELEASES, FORMS):
        _, events = run(kind, release, form, end)
        found = [
            (each["stage"], each.get("state"))
            for each in events
            if each["kind"] == "stage" and each["status"] == "started"
        ]
        assert found == stages(kind, end), (release, form)


@pytest.mark.parametrize(("kind", "end"), CASES)
def test_every_release_and_form_has_the_same_verdict(kind: str, end: str):
    verdicts = {"finished": ["completed"], "failed": ["failed"], "cut": []}[end]
    for release, form in itertools.product(RELEASES, FORMS):
        _, events = run(kind, release, form, end)
        found = [each["status"] for each in events if each["kind"] == "build"]
        assert found == verdicts, (release, form)


@pytest.mark.parametrize("kind", [kind for kind in BUILDERS if kind != "file"])
def test_failure_is_the_line_that_tells_the_cause(kind: str):
    for release, form in itertools.product(RELEASES, FORMS):
        _, events = run(kind, release, form, "failed")
        failure = events[-1]["failure"]
        assert failure["message"].splitlines()[0] == CAUSE, (release, form)
        assert (failure["type"], failure["component"]) == ("provisioner", "shell")


@pytest.mark.parametrize("kind", BUILDERS)
def test_summary_gives_the_artifacts_of_each_builder(kind: str):
    for release, form in itertools.product(RELEASES, FORMS):
        reader, _ = run(kind, release, form, "finished")
        target = reader.targets[target_of(kind)]
        parts = [part for text in target.artifacts for part in artifacts.parts(text, kind)]
        found = [(part.region, part.id) for part in dict.fromkeys(parts)]
        assert found == list(BUILDERS[kind].artifacts), (release, form)


@pytest.mark.parametrize(("kind", "end"), CASES)
def test_only_what_this_run_created_and_did_not_remove_is_left(kind: str, end: str):
    for release, form in itertools.product(RELEASES, FORMS):
        _, events = run(kind, release, form, end)
        left = resources(events)
        if end == "cut":
            assert left == BUILDERS[kind].left, (release, form)
        else:
            assert not left & BUILDERS[kind].left, (release, form)
            assert not any("0fffffff" in each for each in left)
