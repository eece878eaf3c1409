"""Messages of failures and states for readers who are no administrators."""

from collections.abc import Iterable

from receiver.domain.redact import Masked
from receiver.storage.db import Row


def show_masked(rows: Iterable[Row]) -> None:
    """Put the masked message in its place; rows without one are masked when they are shown."""
    for row in rows:
        if (masked := row.pop("masked_message")) is not None:
            row["error_message"] = Masked(masked)


def show_original(rows: Iterable[Row]) -> None:
    """Leave the message as its sender wrote it."""
    for row in rows:
        del row["masked_message"]
