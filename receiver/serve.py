"""gunicorn around the app, in this process: the master, with nothing but workers below it."""

import gc
import os
import shutil
import tempfile
from typing import Any, cast

from flask import Flask
from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers import gthread

from receiver import housekeeping, log, metrics, unreadable
from receiver.app import create_app
from receiver.config import Config

READ_SECONDS = 5.0
MEMORY = "/dev/shm"  # noqa: S108  # a full disk must stop neither the heartbeat nor the counters
OPTIONS: dict[str, Any] = {
    "worker_class": "receiver.serve.Worker",
    "logger_class": "receiver.serve.Log",
    "workers": 2,
    "threads": 8,
    "timeout": 30,
    "graceful_timeout": 10,
    "keepalive": 5,
    "worker_tmp_dir": MEMORY,
    "limit_request_fields": 100,
    "forwarded_allow_ips": "",  # whom to believe is the app's to know
    "loglevel": "warning",
}


class Log(glogging.Logger):
    """gunicorn's own lines, as JSON like all others."""

    def setup(self, cfg: Any) -> None:
        """Called in the master; workers inherit it. A client that was too slow is no error."""
        super().setup(cfg)
        self.error_log.addFilter(lambda record: not _is_timeout(record.exc_info))
        for handler in self.error_log.handlers:
            handler.setFormatter(log.formatter())


class TimedConnection(gthread.TConn):
    """A connection whose reads end: gunicorn has no read timeout, and a client that sends half a
    request would hold its thread for ever (https://github.com/benoitc/gunicorn/issues/2652)."""

    def init(self) -> None:
        """Called before each request, when gunicorn has made the socket blocking."""
        super().init()
        self.sock.settimeout(READ_SECONDS)


class Worker(gthread.ThreadWorker):
    """gthread with the connection above; accept() looks the class up in its module."""

    def init_process(self) -> None:
        """Put the connection class in place, in the worker only."""
        gthread.TConn = TimedConnection  # type: ignore[misc]  # the only way in
        super().init_process()

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer what could not be read; called in the connection's thread."""
        unreadable.answer(cast(Flask, self.wsgi), client, exc)


class Server(BaseApplication):
    """The receiver under gunicorn; the app is made in each worker, after the fork."""

    def __init__(self, config: Config, bind: str) -> None:
        self._config = config
        # Before any worker imports prometheus_client; new and empty for each receiver.
        os.environ[metrics.FOLDER] = tempfile.mkdtemp(
            prefix=f"milepost-metrics-{os.getpid()}-", dir=MEMORY
        )
        self._options = OPTIONS | {"child_exit": _forget_worker, "bind": bind}
        super().__init__()

    def run(self) -> None:
        """Serve until a signal ends it; workers leave through here too, and keep the counters."""
        master = os.getpid()
        try:
            super().run()
        finally:
            if os.getpid() == master:
                shutil.rmtree(os.environ[metrics.FOLDER], ignore_errors=True)

    def load_config(self) -> None:
        """Hand our options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the app; called in each worker."""
        housekeeping.start(self._config)
        app = create_app(self._config)
        gc.freeze()  # what lives as long as the worker need not be looked at for garbage
        return app


def _is_timeout(exc_info: Any) -> bool:
    return bool(exc_info) and isinstance(exc_info[1], TimeoutError)


def _forget_worker(_arbiter: Arbiter, worker: Worker) -> None:
    """What a dead worker holds now is nothing; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
