"""Debian's nginx with the configuration of deploy/nginx."""

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import ROOT
from tests.support.receivers import free_port

CONFIGURATION = ROOT / "deploy" / "nginx"


@contextmanager
def nginx(folder: Path, *receivers: str) -> Iterator[str]:
    """Yield the URL of nginx before receivers (HOST:PORT); addresses and paths are of the test."""
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
        f"http {{ access_log off;\n{temporary}{_servers(folder, port, receivers)} }}\n"
    )
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield _listening(port)
    finally:
        process.terminate()
        process.wait(30)


def _servers(folder: Path, port: int, receivers: tuple[str, ...]) -> str:
    """Return http.conf with a line for each receiver."""
    text = (CONFIGURATION / "http.conf").read_text()
    (line,) = re.findall(r"^ *server receiver:8080.*\n", text, re.MULTILINE)
    lines = "".join(line.replace("receiver:8080", each) for each in receivers)
    text = text.replace(line, lines).replace("listen 8000", f"listen 127.0.0.1:{port}")
    return text.replace("/etc/nginx/milepost.conf", str(folder / "milepost.conf"))


def _listening(port: int) -> str:
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return f"http://127.0.0.1:{port}"
        threading.Event().wait(0.1)
    raise AssertionError("nginx does not listen")
