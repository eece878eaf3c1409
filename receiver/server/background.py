"""The work of a thread that nobody waits for: whatever fails is logged, and tried again later."""

from collections.abc import Callable

from receiver import log
from receiver.errors import MilepostError
from receiver.storage.db import DriverError


def attempt(task: Callable[[], object], problem: str) -> None:
    """Do a task; `problem` is what the log says where the database does not let it.

    An error of our own, or of the system, ends no thread either: nothing would tell that it is
    gone.
    """
    try:
        task()
    except (DriverError, MilepostError) as error:
        log.get().info(problem, reason=type(error).__name__)
    except Exception as error:  # noqa: BLE001  # the next turn tries again
        log.unexpected(error)
