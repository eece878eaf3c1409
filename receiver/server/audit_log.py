"""The audit trail as it happens, to stdout or syslog: what MILEPOST_AUDIT_LOG names.

Entries are read behind the last one that was written, so that none is lost with a process, and
those of commands are written as well. One process at a time writes; after a crash an entry may come
twice.
"""

import errno
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from logging.handlers import SysLogHandler
from urllib.parse import urlsplit

import orjson

from receiver import log
from receiver.app import conninfo
from receiver.config import Config
from receiver.errors import MilepostError, ReadOnly
from receiver.storage import audit_chain
from receiver.storage.db import Database, DriverError, open_database

EVERY_SECONDS = 1.0
AFTER_FAILURE_SECONDS = 10.0
BATCH = 100
LOCAL = "/dev/log"
Write = Callable[[str], None]


def start(config: Config) -> None:
    """Start a thread that ends with the process, where a log is set."""
    if config.audit_log:
        threading.Thread(target=_run, args=[config], name="audit-log", daemon=True).start()


def _run(config: Config) -> None:
    pause = threading.Event()
    while True:
        try:
            _send_all(config, config.audit_log or "", pause)
        except ReadOnly:  # a standby, or a primary that became one: others write the trail
            pause.wait(AFTER_FAILURE_SECONDS)
        except (DriverError, MilepostError, OSError) as error:
            log.get().warning("audit log waits", reason=type(error).__name__)
            pause.wait(AFTER_FAILURE_SECONDS)


def _send_all(config: Config, target: str, pause: threading.Event) -> None:
    """Go on until something fails."""
    with (
        writer(target) as write,
        open_database(conninfo(config), prepare=config.prepare) as database,
    ):
        while True:
            if send(database, target, write) < BATCH:
                pause.wait(EVERY_SECONDS)


def send(database: Database, target: str, write: Write) -> int:
    """Write the next entries, and note that. Return how many there were."""
    with database.transaction() as connection:
        rows = audit_chain.unsent(connection, target, BATCH)
        for row in rows:
            write(line(audit_chain.shown(row)))
        if rows:
            audit_chain.note_sent(connection, target, rows[-1]["seq"])
    return len(rows)


def line(entry: dict[str, object]) -> str:
    """Return an entry as one line of JSON."""
    return orjson.dumps({"event": "audit"} | entry).decode()


@contextmanager
def writer(target: str) -> Iterator[Write]:
    """Yield what writes a line: to `stdout`, `syslog` of this host, or syslog://HOST:PORT (UDP)."""
    if target == "stdout":
        yield _to_stdout
        return
    parts = urlsplit(target)
    address: str | tuple[str, int] = LOCAL
    if parts.hostname:
        address = (parts.hostname, parts.port or 514)
    with closing(_Syslog(address, facility=SysLogHandler.LOG_AUTH)) as handler:
        handler.ident, handler.append_nul = "milepost: ", False
        yield lambda text: handler.emit(logging.makeLogRecord({"msg": text, "levelname": "INFO"}))


class _Syslog(SysLogHandler):
    """Raises OSError where a line could not be sent, so that it is sent again later."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        """Raise the error, which the library would drop; a line that is too long never fits."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError) or error.errno != errno.EMSGSIZE:
            raise  # it is called while the error is handled
        log.get().warning("audit entry is too long for syslog", length=len(record.getMessage()))


def _to_stdout(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
