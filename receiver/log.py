"""Structured logs: one JSON line for each request, without bodies, headers or query strings."""

import json
import logging
import sys
import traceback
from contextlib import suppress
from typing import Any, TextIO, cast

import orjson
import structlog


def _dumps(line: dict[str, Any], default: Any) -> str:
    """Return a line of ASCII, whatever the encoding of stdout is, and without the characters that
    turn a terminal's text around."""
    with suppress(TypeError):  # a lone surrogate, as of a file's name, or a large number
        text = orjson.dumps(line, default=default)
        if text.isascii():
            return text.decode()
    return json.dumps(line, default=default)


COMMON: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
]
JSON = structlog.processors.JSONRenderer(_dumps)


class _LossyStdout:
    """stdout that drops a line when the disk is full or the pipe is closed: no request may fail."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stdout.flush()


def _drop_if_disabled(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Obey logging.disable(), as the lines of the libraries do."""
    if not logging.getLogger().isEnabledFor(logging.CRITICAL):
        raise structlog.DropEvent
    return event


def configure() -> None:
    """Write every log line to stdout as JSON, those of the libraries too."""
    structlog.configure(
        processors=[_drop_if_disabled, structlog.contextvars.merge_contextvars, *COMMON, JSON],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _LossyStdout())),
        cache_logger_on_first_use=True,
    )
    if not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(formatter())
        logging.getLogger().addHandler(handler)


def formatter() -> logging.Formatter:
    """Return the formatter for the handlers of libraries: one JSON line for each record."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            JSON,
        ],
        foreign_pre_chain=COMMON,
    )


def get() -> structlog.typing.FilteringBoundLogger:
    """Return the receiver's logger."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


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
