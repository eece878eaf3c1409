"""When a running build is overdue, stalled or lost: what the settings and the projects file say."""

from receiver.config import Config
from receiver.domain.conditions import Limits
from receiver.ingest.rules import Rules


def limits(config: Config, rules: Rules) -> Limits:
    """Return the limits of now, by the newest projects file."""
    return Limits(config.stall_after, config.lost_after, rules.projects().expectation)
