"""A hook behind a proxy and a private certificate authority: real TLS, a real proxy."""

import select
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from receiver.web.hook_file import FILE
from tests.support.listeners import Listener, listening
from tests.support.senders import SECRET

HOOKS = {
    "installed": [str(Path(sys.executable).with_name("milepost-hook"))],
    "file": [sys.executable, "-I", "-S", str(FILE)],
}


class Proxy(ThreadingHTTPServer):
    """A proxy that records the target of each tunnel."""

    daemon_threads = True

    def __init__(self) -> None:
        self.targets: list[str] = []
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Tunnel(BaseHTTPRequestHandler):
    """One CONNECT request."""

    server: Proxy

    def do_CONNECT(self):  # the name that http.server calls
        self.server.targets.append(self.path)
        host, port = self.path.split(":")
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: far, far: self.connection}
            while ready := select.select([*ends], [], [], 30)[0]:
                data = ready[0].recv(65536)
                if not data:
                    return
                ends[ready[0]].sendall(data)

    def log_message(self, *_: object):
        pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate that no system trusts, with its key beside it."""
    folder = tmp_path_factory.mktemp("authority")
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "company.pem")]
    subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)
    return folder / "company.pem"


@pytest.fixture
def secure(certificate: Path) -> Iterator[Listener]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key"))
    with listening() as server:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.url = server.url.replace("http:", "https:")
        yield server


def stage(hook: str, url: str, folder: Path, **more: str) -> str:
    """Report a stage; return the hook's standard error."""
    env = {
        "PATH": "/usr/bin:/bin",
        "MILEPOST_URL": url,
        "MILEPOST_SECRET": SECRET,
        "MILEPOST_BUILD_NUMBER": "b-1",
        "MILEPOST_SPOOL_DIR": str(folder / "spool"),
        **more,
    }
    command = [*HOOKS[hook], "stage", "x"]
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0
    return done.stderr


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_private_authority_in_the_environment_is_trusted(
    secure: Listener, certificate: Path, tmp_path: Path, name: str, hook: str
):
    assert stage(hook, secure.url, tmp_path, **{name: str(certificate)}) == ""
    assert len(secure.posts) == 1


@pytest.mark.parametrize("hook", HOOKS)
def test_unknown_authority_is_one_line_that_names_the_variable(
    secure: Listener, tmp_path: Path, hook: str
):
    error = stage(hook, secure.url, tmp_path)
    assert error.count("\n") == 1
    assert "not trusted: name the file of its authority in REQUESTS_CA_BUNDLE" in error
    assert secure.posts == []


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_proxy_in_the_environment_is_used(
    secure: Listener, certificate: Path, proxy: Proxy, tmp_path: Path, name: str, hook: str
):
    settings = {name: proxy.url, "SSL_CERT_FILE": str(certificate)}
    assert stage(hook, secure.url, tmp_path, **settings) == ""
    assert proxy.targets == [secure.url.removeprefix("https://")]
    assert len(secure.posts) == 1


def test_host_in_no_proxy_is_reached_directly(
    secure: Listener, certificate: Path, proxy: Proxy, tmp_path: Path
):
    settings = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "example.com,127.0.0.1"}
    assert stage("file", secure.url, tmp_path, **settings, SSL_CERT_FILE=str(certificate)) == ""
    assert (len(secure.posts), proxy.targets) == (1, [])


def test_missing_file_of_authorities_is_one_line(secure: Listener, tmp_path: Path):
    error = stage("file", secure.url, tmp_path, SSL_CERT_FILE="/nowhere/ca.pem")
    assert error.count("\n") == 1
    assert secure.posts == []


def test_line_says_what_to_change(listener: Listener, tmp_path: Path):
    port = listener.url.rpartition(":")[2]
    cases = {
        "http://127.0.0.1:1": "127.0.0.1:1: connection refused",
        f"https://127.0.0.1:{port}": f"127.0.0.1:{port} speaks http, not https: begin MILEPOST_URL",
        "http://nowhere.invalid": "nowhere.invalid:80: the name does not resolve",
    }
    with ThreadPool(len(cases)) as pool:  # each waits for a receiver
        calls = [("file", url, tmp_path / str(number)) for number, url in enumerate(cases)]
        errors = pool.starmap(stage, calls)
    for words, error in zip(cases.values(), errors, strict=True):
        assert words in error
        assert error.count("\n") == 1


def test_url_without_a_scheme_is_named_and_nothing_is_spooled(tmp_path: Path):
    error = stage("file", "milepost.example.com", tmp_path)
    assert "with http:// or https:// before the host" in error
    assert not (tmp_path / "spool").exists()


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path):
    missing = {"MILEPOST_SECRET": "", "MILEPOST_BUILD_NUMBER": ""}
    error = stage("file", "", tmp_path, **missing)
    assert error == (
        "milepost: not reporting: set MILEPOST_URL, MILEPOST_SECRET and MILEPOST_BUILD_NUMBER\n"
    )


def test_receiver_may_be_below_a_path(listener: Listener, tmp_path: Path):
    assert stage("file", f"{listener.url}/ci/milepost/", tmp_path) == ""
    assert listener.posts[0].path == "/ci/milepost/webhooks/milepost"
