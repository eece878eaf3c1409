"""Which of the artifacts that may be served is the image that somebody asks for; pure.

A row has the dimensions of its build, `region`, `artifact_id`, `name`, `builder_type`,
`custom_data`, `files`, `path`, `build_number`, `built_at`, and `newness`: how many served builds of
its image are newer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Any

from receiver.domain import image_names
from receiver.domain.artifact_ids import CONSTANTS, PROVIDERS
from receiver.domain.dimensions import UNKNOWN
from receiver.domain.model import DIMENSIONS

Row = Mapping[str, Any]
NAMED_BY_PEOPLE = ("vsphere", "vmware", "hyperv")  # builders whose id is a machine's name
_names_of = itemgetter(*DIMENSIONS)
ARCHITECTURES = ("arch", "architecture", "cpu_arch")  # keys of custom_data


@dataclass(frozen=True, slots=True)
class Serving:
    """What a project decides of its images.

    `branches` are patterns with * and ? of the branches whose builds are served; None where it
    names none. `unstable` is whether Jenkins's UNSTABLE counts as a good build.
    """

    branches: tuple[str, ...] | None = None
    unstable: bool = False


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Which images are asked for; None fits all.

    `name` is a pattern of the artifact's name, id or file. `inferred` also takes images whose OS
    version or type nobody states. `complete` takes one build with all its usual regions. `channel`
    takes what a channel holds instead of the newest builds.
    """

    project: str | None = None
    platform: str | None = None
    os_version: str | None = None
    image_type: str | None = None
    region: str | None = None
    name: str | None = None
    arch: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    inferred: bool = False
    complete: bool = False
    channel: str | None = None

    @property
    def is_of_artifact(self) -> bool:
        """Whether it asks for some artifacts of an image, or for what a channel holds."""
        return self.selects or bool(self.region or self.channel)

    @property
    def selects(self) -> bool:
        """Whether it tells apart the artifacts of one build."""
        return bool(self.name or self.arch or self.custom or self.complete)


def like_pattern(pattern: str) -> str:
    r"""Return the pattern of SQL's LIKE for one with * and ?.

    >>> like_pattern("release/*_1")
    'release/%\\_1'
    """
    for letter in "\\%_":
        pattern = pattern.replace(letter, f"\\{letter}")
    return pattern.replace("*", "%").replace("?", "_")


def choose(rows: Iterable[Row], wanted: ImageFilter) -> list[Row]:
    """Return the artifacts that fit, for each image and region those of the newest build."""
    rows = [row for row in rows if _fits(row, wanted)]
    if wanted.complete:
        rows = list(_complete(rows))
    newest: dict[tuple[object, ...], int] = {}
    for row in rows:
        place = (*image_of(row), row["region"])
        newest[place] = min(newest.get(place, row["newness"]), row["newness"])
    chosen = [row for row in rows if newest[*image_of(row), row["region"]] == row["newness"]]
    return [row for row in chosen if wanted.region in (None, row["region"])]


def image_of(row: Row) -> tuple[object, ...]:
    """Return the dimensions of a row."""
    names: tuple[object, ...] = _names_of(row)
    return names


def is_named(row: Row) -> bool:
    """Return whether anybody says what a build makes: unknown ones are not one image."""
    return UNKNOWN not in (row["os_version"], row["image_type"])


def _fits(row: Row, wanted: ImageFilter) -> bool:
    if wanted.name and not any(fnmatchcase(each, wanted.name) for each in _names(row)):
        return False
    if wanted.arch and architecture(row) != _canonical(wanted.arch):
        return False
    return all(row["custom_data"].get(key) == value for key, value in wanted.custom.items())


def _names(row: Row) -> list[str]:
    return [each for each in (row["name"], row["artifact_id"], *_files(row)) if each]


def _files(row: Row) -> list[str]:
    if row["path"]:
        return [row["path"]]
    return [each["name"] for each in row["files"] if each.get("name")]


def _complete(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows of the newest build of each image that has all its usual regions.

    A region is usual if at least half of the builds have it: one that was dropped is not waited for
    for ever.
    """
    images: dict[tuple[object, ...], dict[int, set[str | None]]] = {}
    for row in rows:
        images.setdefault(image_of(row), {}).setdefault(row["newness"], set()).add(row["region"])
    wanted = {image: _complete_build(builds) for image, builds in images.items()}
    yield from (row for row in rows if wanted[image_of(row)] == row["newness"])


def _complete_build(builds: Mapping[int, set[str | None]]) -> int | None:
    all_regions = [region for regions in builds.values() for region in regions]
    usual = {each for each in all_regions if 2 * all_regions.count(each) >= len(builds)}
    return min((newness for newness, regions in builds.items() if regions >= usual), default=None)


def architecture(row: Row) -> str | None:
    """Return x86_64, arm64 and the like, as custom_data or the names of an artifact tell it."""
    stated = [row["custom_data"].get(key) for key in ARCHITECTURES]
    texts = [each for each in stated if each] or _names(row)
    found = (image_names.read(text).architecture for text in texts)
    return next((each for each in found if each), None)


def _canonical(arch: str) -> str:
    return image_names.read(arch).architecture or arch


def usable_ids(row: Row, name: str | None = None) -> list[str]:
    """Return what a program can use of an artifact: its id; else its files, as `name` selects.

    Empty where there is neither: never a constant, nor a sentence of Packer's summary.
    """
    artifact_id = row["artifact_id"]
    files = _files(row)
    is_box = artifact_id in PROVIDERS and bool(files)
    is_named = artifact_id not in CONSTANTS and not is_box and not _is_sentence(row)
    if is_named and artifact_id not in files:
        return [artifact_id]
    fitting = [each for each in files if name and fnmatchcase(each, name)]
    return fitting or ([artifact_id] if is_named else files)


def _is_sentence(row: Row) -> bool:
    """What people call an image, or a machine, may hold blanks; a builder's other ids do not."""
    builder = row["builder_type"]
    is_name = not builder or builder.startswith(NAMED_BY_PEOPLE)
    return " " in row["artifact_id"].strip() and not is_name


def choices(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return the values that tell artifacts apart, by the parameter that selects them."""
    values: dict[str, set[str]] = {"project": set(), "region": set(), "arch": set(), "name": set()}
    for row in rows:
        values["project"].add(row["project"] or "")
        values["region"].add(row["region"] or "")
        values["arch"].add(architecture(row) or "")
        values["name"].add(row["name"] or "")
        for key, value in row["custom_data"].items():
            values.setdefault(f"custom.{key}", set()).add(value)
    apart = {name: sorted(each - {""}) for name, each in values.items() if len(each) > 1}
    if not any(len(each) > 1 for each in apart.values()):
        apart["name"] = sorted({each for row in rows for each in usable_ids(row)})
    return apart
