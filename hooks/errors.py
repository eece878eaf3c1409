"""What goes wrong in a hook: always one line for a person, never a broken build."""


class HookError(Exception):
    """A sentence that says what to change."""


class Kept(HookError):
    """It is in the spool, and will be sent before anything later is."""
