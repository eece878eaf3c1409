"""Errors of a hook: each is one line for a person, and none breaks a build."""


class HookError(Exception):
    """A problem, as a sentence that names what to change."""


class DeliveryPending(HookError):
    """The envelope is in the spool, and is sent before anything later."""
