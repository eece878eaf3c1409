"""What a build may have left behind, derived when it is read; pure."""

from collections.abc import Sequence
from typing import Any

from receiver.domain.conditions import GONE

Row = dict[str, Any]
BY_HAND = "delete by hand"  # the hook's word for what Packer says about a resource
LINKS = ("HCP Packer",)  # resources that are places to look at, not things to remove


def left_behind(build: Row, resources: Sequence[Row], artifacts: Sequence[Row]) -> list[Row]:
    """Return the resources that a build without an artifact may have left in its cloud.

    A resource counts until the log names its removal; `build` has `condition`. What Packer says has
    to be removed by hand counts for every build.
    """
    is_cut = build["status"] in ("cancelled", "failed") or build["condition"] in GONE
    if not is_cut or any(each["attempt"] == build["attempt"] for each in artifacts):
        return [each for each in resources if each["type"] == BY_HAND]
    artifact_ids = {each["artifact_id"] for each in artifacts}
    return [
        each
        for each in resources
        if not each["removed"] and each["id"] not in artifact_ids and each["type"] not in LINKS
    ]
