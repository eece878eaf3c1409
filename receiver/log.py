"""Structured logs: one JSON line for each request, without bodies, headers or query strings."""

import logging
import sys

import structlog


def configure() -> None:
    """Send every log line to stdout as JSON."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )


def get() -> structlog.typing.FilteringBoundLogger:
    """The receiver's logger."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
