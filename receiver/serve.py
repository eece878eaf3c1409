"""gunicorn around the app, in this process: the master, with nothing but workers below it."""

from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers import gthread

from receiver import housekeeping
from receiver.app import create_app
from receiver.config import Config

READ_SECONDS = 5.0
OPTIONS: dict[str, Any] = {
    "worker_class": "receiver.serve.Worker",
    "workers": 2,
    "threads": 8,
    "timeout": 30,
    "graceful_timeout": 10,
    "keepalive": 5,
    "worker_tmp_dir": "/dev/shm",  # noqa: S108  # a full /tmp must not stop the heartbeat
    "limit_request_fields": 100,
    "forwarded_allow_ips": "",  # whom to believe is the app's to know
    "loglevel": "warning",
}


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


class Server(BaseApplication):
    """The receiver under gunicorn; the app is made in each worker, after the fork."""

    def __init__(self, config: Config, bind: str) -> None:
        self._config = config
        self._options = OPTIONS | {"bind": bind}
        super().__init__()

    def load_config(self) -> None:
        """Hand our options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the app; called in each worker."""
        housekeeping.start(self._config)
        return create_app(self._config)
