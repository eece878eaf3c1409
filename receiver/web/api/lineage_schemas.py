"""The schemas of what images descend from."""

from typing import Annotated

from msgspec import Meta, Struct

from receiver.domain.lineage import BaseState


class Base(Struct):
    """The image that another one is built on. Of another project its names are null."""

    build_number: str | None
    project: str | None
    platform: str | None
    os_version: str | None
    image_type: str | None
    artifact_id: str | None
    region: str | None
    state: BaseState
    newest: Annotated[str | None, Meta(description="The newest good build of the base.")]
    is_other_project: Annotated[bool, Meta(description="A build of another project.")]


class Relative(Struct):
    """A build that another one descends from, or that descends from it."""

    build_number: Annotated[
        str | None, Meta(description="Null if nobody here made it, or in another project.")
    ]
    project: str | None
    platform: str | None
    os_version: str | None
    image_type: str | None
    status: str | None
    attempt: int | None
    artifact_id: Annotated[str | None, Meta(description="As the child of the two says it.")]
    region: str | None
    depth: int
    through: Annotated[str | None, Meta(description="The build between, nearer by one.")]
    state: Annotated[BaseState, Meta(description="How the child of the two stands.")]
    newest: Annotated[
        str | None, Meta(description="The newest good build of the image of the parent.")
    ]
    is_other_project: Annotated[bool, Meta(description="A build of another project.")]


class Lineage(Struct):
    """What a build descends from, and what descends from it, to a depth of 10."""

    build_number: str
    attempt: int
    state: Annotated[BaseState | None, Meta(description="Null if it says no source.")]
    parents: list[Relative]
    children: list[Relative]
    children_of_older: Annotated[
        list[Relative],
        Meta(description="If the build failed: what is built on the good one before it."),
    ]
    is_cut: Annotated[bool, Meta(description="Whether there are more than 1,000.")]
