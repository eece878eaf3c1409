"""The phases of one build of a Packer run, and what takes it from one to the next; pure.

A message that the table does not name moves nothing. No message ends a build: its verdict rests on
Packer's exit code, its summary and its manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Phase(Enum):
    """How far a build is."""

    NEW = "new"
    STARTING = "starting"
    CONNECTED = "connected"
    PROVISIONING = "provisioning"
    IMAGE = "image"
    POST_PROCESSING = "post-processing"
    FAILING = "failing"


class Sign(Enum):
    """What a message of a target says."""

    WORDS = "any line, of Packer or of a script"
    CONNECTED = "the machine can be reached"
    PROVISIONER = "a provisioner begins"
    IMAGE = "the machine is stopped, the image made, or something removed"
    POST_PROCESSOR = "a post-processor begins"
    OUTPUT = "a line of a post-processor"
    ERRORS = "a step failed, the cleanup begins"


# Since Packer 1.13 a script's lines look like Packer's own, so what could be a script's is only
# believed when Packer's next line agrees: see CLAIMED.
TRANSITIONS: Mapping[tuple[Phase, Sign], Phase] = {
    (Phase.NEW, Sign.WORDS): Phase.STARTING,
    (Phase.STARTING, Sign.CONNECTED): Phase.CONNECTED,
    (Phase.STARTING, Sign.PROVISIONER): Phase.PROVISIONING,
    (Phase.CONNECTED, Sign.PROVISIONER): Phase.PROVISIONING,
    (Phase.PROVISIONING, Sign.PROVISIONER): Phase.PROVISIONING,
    (Phase.IMAGE, Sign.PROVISIONER): Phase.PROVISIONING,  # so the image was a script's word
    (Phase.CONNECTED, Sign.IMAGE): Phase.IMAGE,
    (Phase.PROVISIONING, Sign.IMAGE): Phase.IMAGE,
    (Phase.STARTING, Sign.POST_PROCESSOR): Phase.POST_PROCESSING,  # file, null: no machine
    (Phase.CONNECTED, Sign.POST_PROCESSOR): Phase.POST_PROCESSING,
    (Phase.PROVISIONING, Sign.POST_PROCESSOR): Phase.POST_PROCESSING,
    (Phase.IMAGE, Sign.POST_PROCESSOR): Phase.POST_PROCESSING,
    (Phase.POST_PROCESSING, Sign.POST_PROCESSOR): Phase.POST_PROCESSING,
    (Phase.STARTING, Sign.ERRORS): Phase.FAILING,
    (Phase.CONNECTED, Sign.ERRORS): Phase.FAILING,
    (Phase.PROVISIONING, Sign.ERRORS): Phase.FAILING,
    (Phase.IMAGE, Sign.ERRORS): Phase.FAILING,
}

# From these phases a script's line could say the same: the transition waits for what confirms it.
CLAIMED = frozenset(
    (phase, sign)
    for phase in (Phase.CONNECTED, Phase.PROVISIONING)
    for sign in (Sign.IMAGE, Sign.POST_PROCESSOR)
)
CONFIRMING = frozenset({Sign.IMAGE, Sign.POST_PROCESSOR, Sign.OUTPUT})


def after(phase: Phase, sign: Sign) -> Phase | None:
    """Return the phase that this message leads to; None if it moves nothing."""
    return TRANSITIONS.get((phase, sign))
