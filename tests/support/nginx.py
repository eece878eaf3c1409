"""Debian's nginx with the configuration of deploy/nginx."""

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import ROOT
from tests.support.receivers import free_port

CONFIGURATION = ROOT / "deploy" / "nginx"


@contextmanager
def nginx(folder: Path, *receivers: str, readers: Sequence[str] = ()) -> Iterator[str]:
    """Yield the URL of nginx before receivers (HOST:PORT); addresses and paths are of the test.

    With `readers` it has the configuration for receivers of a standby.
    """
    port = free_port()
    shutil.copy(CONFIGURATION / "locations.conf", folder / "milepost.conf")
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Its workers would else be another user's, who may not enter a test's folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off;\n{temporary}{_servers(folder, port, receivers, readers)} }}\n"
    )
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield _listening(port)
    finally:
        process.terminate()
        process.wait(30)


def _servers(folder: Path, port: int, writers: Sequence[str], readers: Sequence[str]) -> str:
    """Return http.conf, or readers.conf, with a line for each receiver."""
    text = (CONFIGURATION / ("readers.conf" if readers else "http.conf")).read_text()
    for name, places in (("receiver", writers), ("writer", writers), ("reader", readers)):
        for line in re.findall(rf"^ *server {name}:8080.*\n", text, re.MULTILINE):
            lines = "".join(line.replace(f"{name}:8080", each) for each in places)
            text = text.replace(line, lines)
    text = text.replace("listen 8000", f"listen 127.0.0.1:{port}")
    return text.replace("/etc/nginx/milepost.conf", str(folder / "milepost.conf"))


def _listening(port: int) -> str:
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return f"http://127.0.0.1:{port}"
        threading.Event().wait(0.1)
    raise AssertionError("nginx does not listen")
