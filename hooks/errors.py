"""Errors of a hook: each is one line for a person, and none breaks a build."""


class HookError(Exception):
    """A sentence that says what to change."""


class DeliveryPending(HookError):
    """The envelope is in the spool, and is sent before anything later."""
