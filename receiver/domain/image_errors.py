"""The errors of channels and revocations: why an image is not assigned, or not handed out.

HttpError
├── NotAssignable    409, the build cannot be put into a channel
├── NotCurrent       409, the channel holds another build than expected
├── Revoked          409, the build's image is not to be used
└── Invalid
    └── Gate         422, a check that the channel requires is missing, failed or too old
"""

from collections.abc import Sequence

from receiver.errors import HttpError, Invalid


class NotAssignable(HttpError):
    """The build cannot be put into a channel; the text names what fails."""

    status, code, title = 409, "not-assignable", "Build cannot be assigned"


class NotCurrent(HttpError):
    """The channel holds another build than the one that the request expects."""

    status, code, title = 409, "not-current", "Another build is current"


class Revoked(HttpError):
    """The build was revoked. `choices` are the builds that may be used instead."""

    status, code, title = 409, "revoked", "Image revoked"

    def __init__(self, detail: str, choices: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.choices = tuple(choices)


class Gate(Invalid):
    """A check that the channel requires is missing, failed or too old; `fields` names each."""

    code, title = "gate", "A required check is not passed"
