"""Packer's manifests, with everything that is odd about them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from receiver.domain.model import Identity
from receiver.sources import packer_manifest
from tests.support.samples import SAMPLES
from tests.support.senders import manifest as document

RUNS = sorted((SAMPLES / "packer-runs").glob("manifest.*.json"))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_manifest_of_packer_has_artifacts(path: Path):
    manifest = packer_manifest.check(orjson.loads(path.read_bytes()))
    assert packer_manifest.artifacts(manifest)


def test_an_artifact_id_is_split_by_region_and_a_constant_is_its_file():
    manifest = document(
        {"builder_type": "amazon-ebs", "artifact_id": "a-1:ami-1,b-1:ami-2"},
        {"builder_type": "qemu", "artifact_id": "VM", "files": [{"name": "a.qcow2", "size": 1}]},
        {"builder_type": None, "artifact_id": None},
    )
    assert [(each.region, each.artifact_id) for each in packer_manifest.artifacts(manifest)] == [
        ("a-1", "ami-1"),
        ("b-1", "ami-2"),
        (None, "a.qcow2"),
        (None, ""),
    ]


def test_entries_of_earlier_runs_are_not_current():
    manifest = document({"packer_run_uuid": "old", "name": "a"}, {"name": "b"})
    assert [(each.name, each.current) for each in packer_manifest.artifacts(manifest)] == [
        ("a", False),
        ("b", True),
    ]


def test_equal_names_in_one_run_are_several_artifacts():
    manifest = document({"artifact_id": "image-us"}, {"artifact_id": "image-eu"})
    assert len(packer_manifest.artifacts(manifest)) == 2


def test_an_entry_written_twice_is_one_artifact():
    manifest = document({"build_time": 1_700_000_000}, {"build_time": 1_700_000_005})
    assert len(packer_manifest.artifacts(manifest)) == 1


@pytest.mark.parametrize("empty", [{}, {"builds": None}, {"builds": []}])
def test_a_manifest_may_be_empty(empty: dict[str, Any]):
    assert packer_manifest.artifacts(packer_manifest.check(empty)) == ()
    assert packer_manifest.moment(empty) is None
    assert packer_manifest.builder_type(empty) is None


def test_the_time_of_a_manifest_is_a_second_after_the_last_entry_of_its_last_run():
    manifest = document(
        {"build_time": 1_900_000_000, "packer_run_uuid": "old"},
        {"build_time": 1_700_000_000},
        {"build_time": None},
    )
    assert packer_manifest.moment(manifest) == datetime.fromtimestamp(1_700_000_001, UTC)


def test_the_last_second_of_the_calendar_is_readable():
    manifest = packer_manifest.check(document({"build_time": packer_manifest.LAST_SECOND}))
    moment = packer_manifest.moment(manifest)
    assert moment is not None
    assert moment.year == 9999


def test_custom_data_gives_dimensions_and_build_number():
    manifest = document(
        {"custom_data": {"platform": "aws", "milepost_platform": "aws-gov", "arch": "x86"}},
        {"custom_data": {"os_version": "<no value>", "build_number": "b-1", "project": " core "}},
    )
    assert packer_manifest.custom(manifest) == (Identity("core", "aws-gov"), "b-1")
    assert packer_manifest.custom(document({"custom_data": {"build_number": "a b"}}))[1] is None


def test_one_builder_type_is_told_and_two_are_none():
    one = document({"builder_type": "qemu"}, {"builder_type": "qemu"})
    two = document({"builder_type": "qemu"}, {"builder_type": "amazon-ebs"})
    assert packer_manifest.builder_type(one) == "qemu"
    assert packer_manifest.builder_type(two) is None


def test_the_run_key_is_the_last_run_else_the_digest_of_the_body():
    assert packer_manifest.run_key({"last_run_uuid": "u"}, b"") == "u"
    assert len(packer_manifest.run_key({"last_run_uuid": ""}, b"x")) == 64
