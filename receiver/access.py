"""Who may read: everybody where the receiver is public, else nobody yet."""

from receiver.errors import Closed
from receiver.services import services


def require_read() -> None:
    """Raise Closed unless pages and API are open to all."""
    if not services().config.public_read:
        raise Closed
