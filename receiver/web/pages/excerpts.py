"""What the page of a build shows of a long one; the rest is behind a link. Pure."""

from typing import Any

Row = dict[str, Any]
LIMITS = {"states": 100, "failures": 10, "artifacts": 50, "resources": 100}  # the newest rows
MAX_TEXT = 2_000  # characters of a message, of details and of notes
MAX_MANIFEST = 20_000  # characters


def excerpt(build: Row) -> tuple[Row, dict[str, int]]:
    """Return the build with its newest rows alone, and how many of each kind are left out."""
    rows = {part: build[part][-limit:] for part, limit in LIMITS.items()}
    cut = {part: len(build[part]) - len(rows[part]) for part in LIMITS}
    return build | rows, {part: count for part, count in cut.items() if count}
