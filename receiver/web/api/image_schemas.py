"""What the operations on images answer."""

from typing import Annotated

from msgspec import Meta

from receiver.domain.model import Json
from receiver.web.api.lineage_schemas import Base
from receiver.web.api.schemas import Dimensions, Revocation, Time


class Image(Dimensions):
    """An artifact of the latest served build of its dimensions."""

    region: str | None
    artifact_id: Annotated[
        str | None,
        Meta(description="As its builder wrote it. Null of a late image that was never good."),
    ]
    build_number: str | None
    built_at: Time | None
    renewed_at: Annotated[
        Time | None, Meta(description="When a later build found that nothing had to be built.")
    ]
    age_seconds: Annotated[int | None, Meta(description="Since it was made or renewed.")]
    behind: Annotated[
        int | None,
        Meta(
            description="How many served builds of its image are newer, without an image in its "
            "region. Whether it is behind its base is the state of `base`."
        ),
    ]
    superseded_at: Annotated[
        Time | None, Meta(description="Since when it is not the newest any more.")
    ]
    due_at: Annotated[Time | None, Meta(description="When the next good build is expected.")]
    late: Annotated[bool, Meta(description="Whether that is past, by a time of grace.")]
    late_reason: str | None
    missing_regions: Annotated[
        list[str], Meta(description="Expected regions that its newest build does not have.")
    ]
    name: str | None
    arch: Annotated[str | None, Meta(description="Such as x86_64 or arm64, where a name tells.")]
    branch: str | None
    inferred: Annotated[
        dict[str, str] | None, Meta(description="Dimensions that nobody states, and from where.")
    ]
    channel: Annotated[str | None, Meta(description="That hands it out; null for the newest.")]
    revocation: Annotated[
        Revocation | None, Meta(description="Of its build, or of one that it was made from.")
    ]
    base: Annotated[Base | None, Meta(description="Null if it says no source.")]


class ImageDetails(Image):
    """An image, with the manifest of its build. Its id is what a program can use."""

    packer_manifest: Json | None
