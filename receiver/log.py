"""Structured logs: one JSON line for each request, without bodies, headers or query strings."""

import json
import logging
import sys
import traceback
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)  # in each of its lines


class Logger:
    """Writes lines to stdout."""

    def info(self, event: str, **fields: object) -> None:
        """Write what is worth knowing."""
        _write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write what somebody should look at."""
        _write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write what somebody has to mend."""
        _write("error", event, fields)


LOGGER = Logger()


class JsonFormatter(logging.Formatter):
    """The formatter for the handlers of libraries: one JSON line for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        fields: dict[str, object] = {}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return _line(record.levelname.lower(), record.getMessage(), fields)


def configure() -> None:
    """Write the log lines of the libraries to stdout as JSON, too."""
    if not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
        logging.getLogger().addHandler(handler)


def get() -> Logger:
    """Return the receiver's logger."""
    return LOGGER


def unexpected(error: BaseException, **context: object) -> None:
    """Log an error of our own code, without its text: that may quote the request."""
    frames = traceback.extract_tb(error.__traceback__)
    get().error(
        "unexpected",
        error=type(error).__name__,
        sqlstate=getattr(error, "sqlstate", None),
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-20:]],
        **context,
    )


def _write(level: str, event: str, fields: dict[str, object]) -> None:
    """Write a line, unless logging.disable() turned off those of the libraries. On a full disk or a
    closed pipe it is dropped: no request may fail."""
    if logging.root.manager.disable >= logging.CRITICAL:
        return
    if (request_id := REQUEST_ID.get()) is not None:
        fields = {"request_id": request_id, **fields}
    with suppress(OSError):
        sys.stdout.write(_line(level, event, fields) + "\n")
        sys.stdout.flush()


def _line(level: str, event: str, fields: dict[str, object]) -> str:
    """Return a line of ASCII, whatever the encoding of stdout is, and without the characters that
    turn a terminal's text around."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    document = {"ts": now, "level": level, "event": event, **fields}
    with suppress(TypeError):  # a lone surrogate, as of a file's name, or a large number
        line = orjson.dumps(document, default=repr)
        if line.isascii():
            return line.decode()
    return json.dumps(document, default=repr)
