"""Who moves images into channels, what moves, and what was asked for beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from receiver.storage.audit import Actor
from receiver.storage.db import Row
from receiver.storage.dimensions import Own


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moves, and the projects that they reach with each scope; () is none.

    `override` is the right to pass over a check that a channel requires.
    """

    actor: Actor
    read: Own = None
    write: Own = None
    promote: Own = None
    override: bool = True


@dataclass(frozen=True, slots=True)
class Move:
    """One image into one channel: its ids and names, and the build; None takes it out."""

    channel: Row
    image: Row
    build_id: UUID | None = None
    build_number: str | None = None
    attempt: int | None = None
    artifacts: Sequence[Row] = ()
    from_channel: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for beside the build: why, what must be current (`expects` tells whether
    anything is), and whether to pass over a missing check."""

    note: str | None = None
    expects: bool = False
    expect: str | None = None
    override: bool = False
