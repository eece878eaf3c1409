"""The work of a thread that nobody waits for: whatever fails is logged, and tried again later."""

from collections.abc import Callable

from receiver import log
from receiver.errors import MilepostError
from receiver.storage.db import DriverError


def attempt(task: Callable[[], object], problem: str, *, is_urgent: bool = False) -> bool:
    """Do a task, and return whether it is done. `problem` is what the log says where the database
    does not let it: as a warning where somebody waits for it.

    An error of our own, or of the system, ends no thread either: nothing would tell that it is
    gone.
    """
    try:
        task()
        return True
    except (DriverError, MilepostError) as error:
        say = log.get().warning if is_urgent else log.get().info
        say(problem, reason=type(error).__name__)
    except Exception as error:  # noqa: BLE001  # the next turn tries again
        log.unexpected(error)
    return False
