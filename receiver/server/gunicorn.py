"""gunicorn around the app, in this process: the master, whose only children are its workers."""

import gc
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psutil
from flask import Response, request
from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from receiver import __version__, log
from receiver.app import create_app
from receiver.config import Config
from receiver.errors import ConfigError
from receiver.ingest.rules import Rules
from receiver.server import (
    announcer,
    audit_log,
    housekeeping,
    notifier,
    pool_metrics,
    refusal_writer,
)
from receiver.server.worker import Worker
from receiver.settings import data_directory
from receiver.settings.data_directory import ReceiverNote
from receiver.web import metrics
from receiver.web.problem import json_response

DRAIN_SECONDS = 2.0  # for a load balancer to read /readyz and use another receiver
MEMORY = "/dev/shm"  # noqa: S108  # a full disk must stop neither the heartbeat nor the counters
ANY = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}  # noqa: S104  # as written in bind
OPTIONS: dict[str, Any] = {
    "worker_class": "receiver.server.worker.Worker",
    "logger_class": "receiver.server.gunicorn.Log",
    "timeout": 30,
    "graceful_timeout": 8,  # with DRAIN_SECONDS at most the 10 s of supervisors
    "keepalive": 5,
    "worker_tmp_dir": MEMORY,
    "limit_request_fields": 100,
    "forwarded_allow_ips": "",  # web/proxy.py knows the trusted proxies
    "control_socket_disable": True,  # all receivers of a user share its path
    "loglevel": "warning",
}


class Log(glogging.Logger):
    """gunicorn's own log lines, as JSON like all others."""

    def setup(self, cfg: Any) -> None:
        """Set up the log in the master, for all workers. A client that is too slow is no error."""
        super().setup(cfg)
        self.error_log.addFilter(lambda record: not _is_timeout(record.exc_info))
        for handler in self.error_log.handlers:
            handler.setFormatter(log.formatter())


class Master(Arbiter):
    """gunicorn's master. After SIGTERM, /readyz answers "draining" for a moment before the end."""

    def __init__(self, app: "Server") -> None:
        self._draining = app.draining
        super().__init__(app)

    def manage_workers(self) -> None:
        """Read changed settings files, before any worker starts with them; called each second."""
        cast(Server, self.app).rules.refresh()
        super().manage_workers()

    def stop(self, graceful: bool = True) -> None:
        """Stop the workers; called at SIGTERM, and once more after every way to end."""
        if graceful and self.WORKERS and not self._draining[0]:
            self._draining[0] = 1
            time.sleep(DRAIN_SECONDS)
        super().stop(graceful)


class Server(BaseApplication):
    """The receiver under gunicorn; each worker makes its app after the fork."""

    def __init__(
        self, config: Config, rules: Rules, bind: str, read_again: Callable[[], Config]
    ) -> None:
        """`read_again` reads the settings once more, for SIGHUP. It raises ConfigError."""
        self._config, self.rules, self._read_again = config, rules, read_again
        self.draining = mmap.mmap(-1, 1)  # one byte that master and workers share
        _remove_old_counters()
        # Set before any worker imports prometheus_client; new and empty for each receiver.
        os.environ[metrics.FOLDER] = tempfile.mkdtemp(
            prefix=f"milepost-metrics-{os.getpid()}-", dir=MEMORY
        )
        self._bind = bind
        self._options = OPTIONS | {
            "child_exit": _forget_worker,
            "when_ready": self._note,
            "bind": bind,
            "workers": config.workers,
            "threads": config.threads,
        }
        super().__init__()

    def run(self) -> None:
        """Serve until a signal ends it. Workers return through here too, and leave the counters."""
        master = os.getpid()
        log.configure()
        try:
            Master(self).run()
        finally:
            if os.getpid() == master:
                announcer.forget(self._config)
                data_directory.remove_note(self._config.data_dir)
                shutil.rmtree(os.environ[metrics.FOLDER], ignore_errors=True)

    def load_config(self) -> None:
        """Set our options in gunicorn's configuration."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def reload(self) -> None:
        """Read the settings again at SIGHUP: secrets and the database's URL may be in files. What
        is wrong now changes nothing."""
        try:
            config = self._read_again()
            self.rules = Rules.load(config)
            self._config = config
        except ConfigError as error:
            log.get().error("settings refused", problems=error.problems)
        super().reload()

    def load(self) -> Any:
        """Return the app; called in each worker."""
        housekeeping.start(self._config)
        audit_log.start(self._config)
        notifier.start(self._config, self.rules)
        app = create_app(self._config, self.rules)
        refusal_writer.start(app)
        pool_metrics.start(app)
        announcer.start(self.rules)
        for file in self.rules.files().values():
            file.log_problems()
        app.before_request(self._answer_draining)
        gc.freeze()  # the collector need not visit objects that live as long as the worker
        return app

    def _note(self, _: Arbiter) -> None:
        """Leave a note for the commands of this host, once it listens."""
        files = {kind: str(file.path) for kind, file in self.rules.files().items() if file.path}
        sources, external = tuple(self._config.secrets), self._config.database_url is not None
        note = ReceiverNote(local_url(self._bind), __version__, sources, files, external)
        try:
            note.write(self._config.data_dir)
        except OSError as error:  # commands then ask the settings alone
            log.get().warning("no note for commands", reason=error.strerror)

    def _answer_draining(self) -> Response | None:
        """Answer /readyz with 503 once this receiver ends."""
        if request.path != "/readyz" or not self.draining[0]:
            return None
        return json_response({"status": "draining"}, 503, {"Retry-After": "3"})


def local_url(bind: str) -> str:
    """Return the URL at which programs of this host reach a receiver that listens at HOST:PORT."""
    host, _, port = bind.rpartition(":")
    return f"http://{ANY.get(host, host)}:{port}"


def _remove_old_counters() -> None:
    """Remove the folders that killed receivers of this user left in memory."""
    for folder in Path(MEMORY).glob("milepost-metrics-*-*"):
        pid = folder.name.split("-")[2]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_timeout(exc_info: Any) -> bool:
    return bool(exc_info) and isinstance(exc_info[1], TimeoutError)


def _forget_worker(_arbiter: Arbiter, worker: Worker) -> None:
    """Clear the gauges of a dead worker; its counters stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
