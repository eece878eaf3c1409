"""What names tell of an image: image_names.tsv has names with their answers, "" for none."""

import csv
from pathlib import Path

import pytest

from receiver.domain.dimensions import infer
from receiver.domain.image_names import BUILDERS, read
from receiver.domain.model import NAME_PLACES, Identity

TABLE = Path(__file__).with_name("image_names.tsv")
NAMES = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines(), delimiter="\t"))


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row["name"])
def test_a_name_tells_system_type_and_architecture(row: dict[str, str]):
    told = read(row["name"])
    assert (told.os_version or "", told.image_type or "", told.architecture or "") == (
        row["os_version"],
        row["image_type"],
        row["architecture"],
    )


def test_the_table_has_names_that_tell_nothing():
    silent = [row for row in NAMES if not row["os_version"]]
    assert len(NAMES) > 200
    assert len(silent) > 50


@pytest.mark.parametrize("builder", sorted(BUILDERS))
def test_a_builders_type_tells_no_system_and_no_type(builder: str):
    told, places = infer({"target": f"{builder}.golden", "entry": builder}, [builder])
    assert told == Identity(platform=builder)
    assert places == {"platform": "builder"}


def test_a_long_name_is_read_in_a_bounded_way():
    assert read("rhel-" * 20_000 + "9").os_version == "rhel"


@pytest.mark.parametrize(
    ("names", "os_version", "place"),
    [
        ({"target": "amazon-ebs.rhel9", "folder": "ubuntu-22.04"}, "rhel-9", "target"),
        ({"target": "amazon-ebs.base", "var_file": "rhel9.pkrvars.hcl"}, "rhel-9", "var_file"),
        ({"target": "amazon-ebs.rhel9", "var_file": "rhel8.pkrvars.hcl"}, "rhel-9", "target"),
        ({"template": "rhel8.pkr.hcl", "var_file": "rhel9.pkrvars.hcl"}, "rhel-9", "var_file"),
        ({"target": "amazon-ebs.ubuntu", "folder": "ubuntu/22.04"}, "ubuntu-22.04", "folder"),
        ({"target": "amazon-ebs.ubuntu", "template": "rhel9.pkr.hcl"}, "ubuntu", "target"),
        ({"entry": "golden", "job": "build-rhel9", "workflow": "Ubuntu"}, "rhel-9", "job"),
        ({"workflow": "Amazon Linux 2 CIS"}, "amazon-linux-2", "workflow"),
    ],
)
def test_the_strongest_place_tells_the_system(names: dict[str, str], os_version: str, place: str):
    told, places = infer(names, ())
    assert told.os_version == os_version
    assert places["os_version"] == place


def test_a_word_in_a_loose_place_is_a_type_only_beside_a_system():
    assert infer({"job": "docker", "folder": "vault", "workflow": "base"}, ())[0] == Identity()
    told, places = infer({"job": "build rhel9 base", "folder": "vault"}, ())
    assert (told.image_type, places["image_type"]) == ("base", "job")


def test_the_platform_is_the_only_builder():
    names = {"target": "web.googlecompute.debian12"}
    assert infer(names, ["googlecompute", None])[1]["platform"] == "builder"
    assert infer(names, ["googlecompute", "amazon-ebs"])[0].platform is None
    told, places = infer(names, ())
    assert (told.platform, places["platform"]) == ("googlecompute", "target")


def test_names_that_tell_nothing_give_nothing():
    assert infer(dict.fromkeys(NAME_PLACES, "golden image"), [None, ""]) == (Identity(), {})
