"""What a revocation concerns, and how answers show it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from receiver.domain.model import DIMENSIONS
from receiver.storage.db import Row
from receiver.storage.dimensions import Own

SHOWN_DESCENDANTS = 100


@dataclass(frozen=True, slots=True)
class Touched:
    """What a revocation concerns: the build, its descendants of the projects that it reaches, those
    of other projects, and the channels that hold any of the former."""

    build: Row
    descendants: list[Row]
    others: list[Row]
    channels: list[Row]
    is_cut: bool

    def alone(self) -> "Touched":
        """Return it without what was built on it."""
        held = [each for each in self.channels if each["build_id"] == self.build["id"]]
        return replace(self, descendants=[], channels=held)

    def shown(self, own: Own, is_visible: Callable[[str | None], bool]) -> Row:
        """Return it as answers have it; of what the caller may not see, only the number."""
        visible = [each for each in self.others if own is None or is_visible(each["project"])]
        return {
            "build_number": self.build["build_number"],
            "descendant_count": len(self.descendants),
            "descendants": [_node(each) for each in self.descendants[:SHOWN_DESCENDANTS]],
            "other_count": len(self.others),
            "others": [_node(each) for each in visible[:SHOWN_DESCENDANTS]],
            "is_cut": self.is_cut,
            "channels": [_holding(each) for each in self.channels],
        }


def _holding(row: Row) -> Row:
    names = ("channel", "channel_project", *DIMENSIONS, "build_number")
    return {name: row[name] for name in names}


def _node(row: Row) -> Row:
    names = ("build_number", *DIMENSIONS, "status", "depth")
    return {name: row[name] for name in names}
