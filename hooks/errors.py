"""What goes wrong in a hook: always one line for a person, never a broken build."""


class HookError(Exception):
    """A sentence that says what to change."""
