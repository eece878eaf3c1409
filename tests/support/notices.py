"""A receiver with a file of notices, whose notifier ticks at the times of a test."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import parse_headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask.testing import FlaskClient
from psycopg.rows import dict_row

from receiver.app import create_app
from receiver.config import Config
from receiver.ingest.services import Services
from receiver.server.notifier import Notifier
from tests.support.listeners import Listener
from tests.support.senders import SECRET, Json, envelope, post

IMAGE = {"project": "core", "platform": "aws-commercial", "os_version": "rhel-9.4"}


def notice(listener: Listener, name: str = "night", **keys: Any) -> str:
    """Return a [[notice]] to a listener; `keys` are TOML values."""
    values = {"on": ["failed", "recovered"], "to": [f"{listener.url}/{name}"], "secret": SECRET}
    lines = [f"{key} = {_toml(value)}" for key, value in ({"name": name} | values | keys).items()]
    return "\n".join(("[[notice]]", *lines, ""))


def _toml(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list) else f'"{value}"'


class Telling:
    """A receiver and its notifier. `now` is the notifier's time, some hours before the clock's."""

    def __init__(self, config: Config, folder: Path, text: str, projects: str = "") -> None:
        self.file = folder / "notices.toml"
        self.file.write_text(text)
        (folder / "projects.toml").write_text(projects)
        config = replace(config, notices=self.file, projects=folder / "projects.toml")
        self.now = datetime.now(UTC).replace(hour=1, minute=0, second=0) - timedelta(days=1)
        app = create_app(config)
        self.services: Services = app.extensions["milepost"]
        self.client: FlaskClient = app.test_client()
        services = self.services
        self.notifier = Notifier(config, services.rules, services.database, lambda: self.now)

    def report(
        self,
        status: str | None,
        number: str,
        image_type: str = "base",
        message: str = "no route to host",
        **more: Any,
    ) -> None:
        """Report a build that began 10 minutes ago and has this verdict now; None is none yet."""
        at = more.pop("at", self.now)
        began, ended = (each.isoformat() for each in (at - timedelta(minutes=10), at))
        name = more.pop("stage", "Security baseline")
        step: Json = {"kind": "stage", "stage": name, "state": more.pop("state", 25)}
        events = [step | {"status": "started", "at": began}]
        if status == "failed":
            failure = {"type": "provisioner", "message": message}
            events += [step | {"status": "failed", "at": ended, "failure": failure}]
        if status:
            events.append({"kind": "build", "status": status, "at": ended})
        image = IMAGE | {"image_type": image_type} | more.pop("image", {})
        run = more.pop("run", f"run-{number}")
        document = envelope(*events, number=number, run=run, build=image, **more)
        answer = post(self.client, document)
        assert answer.status_code == 202, answer.text

    def tick(self, **later: float) -> None:
        """Move the time on, and let the notifier do what is due."""
        self.now += timedelta(**later)
        self.notifier.tick()

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with psycopg.connect(
            self.services.config.database_url or "", row_factory=dict_row
        ) as connection:
            return connection.execute(statement.encode()).fetchall()

    def statuses(self) -> list[tuple[str, str, str | None]]:
        """Return type, status and reason of all news, the oldest first."""
        rows = self.rows("SELECT type, status, reason FROM notices ORDER BY created_at, id")
        return [(row["type"], row["status"], row["reason"]) for row in rows]


Make = Callable[..., Telling]  # of a file of notices, and one of projects


@contextmanager
def telling(config: Config, folder: Path, text: str, projects: str = "") -> Iterator[Telling]:
    """Yield a receiver with these notices."""
    made = Telling(config, folder, text, projects)
    try:
        yield made
    finally:
        made.services.database.close()


class Service(ThreadingHTTPServer):
    """A chat service, reached through a proxy: it answers for whatever host is asked for."""

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Proxy)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.posts: list[tuple[str, bytes]] = []
        self.answer = (200, b"ok")
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Proxy(BaseHTTPRequestHandler):
    """One connection: CONNECT, TLS, then one request."""

    server: Service

    def do_CONNECT(self):  # the name that http.server calls
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        context = self.server.context
        with (
            context.wrap_socket(self.connection, server_side=True) as channel,
            channel.makefile("rb") as reader,
        ):
            path = reader.readline().decode().split()[1]
            headers = parse_headers(reader)
            body = reader.read(int(headers["content-length"]))
            self.server.posts.append((f"{headers['host']}{path}", body))
            status, text = self.server.answer
            head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(text)}\r\n\r\n"
            channel.sendall(head.encode() + text)

    def log_message(self, *_: object):
        pass


@contextmanager
def chat_service(folder: Path, host: str) -> Iterator[tuple[Service, Path]]:
    """Yield a service that proves to be `host`, and the certificate to trust."""
    certificate, trusted = _certificate(folder, host)
    with Service(certificate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server, trusted
        server.shutdown()


def _certificate(folder: Path, host: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    alternatives = x509.SubjectAlternativeName(
        [x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    certificate, trusted = folder / "service.pem", folder / "trusted.pem"
    certificate.write_bytes(private + public)
    trusted.write_bytes(public)
    return certificate, trusted
