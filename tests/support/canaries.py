"""Secrets planted wherever somebody might put one, and a visitor that reads everything."""

import base64
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import requests

from receiver.app import create_app
from receiver.config import Config
from tests.support.forges import notification, workflow_job
from tests.support.raw_requests import head, send
from tests.support.receivers import Running
from tests.support.samples import sample
from tests.support.senders import envelope, manifest, proof, stage, verdict

PLANTED: dict[str, str] = {}


def plant(where: str) -> str:
    """Return a new secret for a place, the same at each call."""
    return PLANTED.setdefault(where, f"canary{uuid4().hex}")


def planted_key(where: str) -> str:
    """Return a new signing key, searched for in its base64 form and decoded."""
    coded = base64.b64encode(plant(f"{where}, decoded").ljust(48, "x")[:48].encode()).decode()
    PLANTED[where] = coded
    return f"whsec_{coded}"


SECRETS = {
    "milepost": planted_key("secret of milepost"),
    "packer": f"bearer:{plant('secret of packer')}",
    "github": plant("secret of github"),
    "gitlab": plant("secret of gitlab"),
    "jenkins": f"jenkins:{plant('secret of jenkins')}",
    "cloudevents": planted_key("secret of cloudevents"),
}
NAMED = planted_key("secret of a named sender")


class Visitor:
    """A client that remembers every answer."""

    def __init__(self, receiver: Running) -> None:
        self.receiver = receiver
        self.answers: dict[str, str] = {}
        self.read, self.admin = (self._token(scope) for scope in ("read", "admin"))

    def _token(self, scope: str) -> str:
        token = PLANTED[f"{scope} token"] = self.receiver.token(scope)
        return token

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> str:
        bearer = f"Bearer {token or self.read}"
        headers = {"Authorization": bearer, "Cookie": f"a={plant('cookie')}"}
        headers |= more.pop("headers", {})
        answer = requests.request(
            method, self.receiver.url + path, headers=headers, timeout=30, **more
        )
        text = f"{answer.status_code} {answer.headers}\n{answer.text}"
        if token != self.admin:
            self.answers[f"{method} {path} {len(self.answers)}"] = text
        return text

    def post(
        self, source: str, document: object, secret: str, query: str = "", **more: str
    ) -> None:
        body = orjson.dumps(document)
        right = proof(source.partition("/")[0], secret, body)
        kind = "application/cloudevents+json" if source == "cloudevents" else "application/json"
        headers = {
            "Content-Type": kind,
            "Cookie": plant("cookie"),
            "Proxy-Authorization": plant("proxy"),
            "X-Api-Key": plant("header"),
            "User-Agent": "test",
            **right,
            **more,
        }
        url = f"{self.receiver.url}/webhooks/{source}?{query}"
        answer = requests.post(url, body, headers=headers, timeout=30)
        self.answers[f"POST {source} {len(self.answers)}"] = f"{answer.status_code} {answer.text}"


def post_deliveries(visitor: Visitor) -> None:
    """Post authentic deliveries, full of secrets that should not be in them."""
    failure = {
        "type": "provisioner",
        "message": f"curl -H 'Authorization: Bearer {plant('text')}' failed; "
        f"password={plant('text with =')} https://ada:{plant('text with a URL')}@example.com",
        "component": "ansible",
        "details": {
            "db_password": plant("detail"),
            "env": {"AWS_SECRET_ACCESS_KEY": plant("nested detail")},
            "log": f"token: {plant('text of a detail')}",
            "variables": [{"key": "DB_PASSWORD", "value": plant("variable of a detail")}],
        },
    }
    custom = {
        "admin_password": plant("manifest"),
        "dsn": f"pg://u:{plant('URL in a manifest')}@h/d",
    }
    packer_manifest = manifest(
        {"custom_data": custom, "artifact_id": "ami-1", "builder_type": "amazon-ebs"}
    )
    build = {"project": "core", "platform": "aws", "os_version": "rhel-9", "image_type": "base"}
    more = {"url": f"https://ada:{plant('URL of a run')}@ci.example.com/1"}
    document = envelope(
        stage("Storage", "failed", 1, failure=failure),
        verdict("failed", 2, failure=failure),
        number="canary-1",
        build=build,
        run_more=more,
        manifest=packer_manifest,
    )
    query = f"token={plant('query')}&secret={plant('second in the query')}"
    visitor.post("milepost", document, SECRETS["milepost"], query)
    visitor.post("milepost/team", envelope(stage("Base"), number="canary-2"), NAMED)
    visitor.post("packer", packer_manifest, SECRETS["packer"], "build_number=canary-3")
    visitor.post(
        "packer", packer_manifest, SECRETS["packer"], f"access_token={plant('query of packer')}"
    )
    job = workflow_job("completed", env={"TOKEN": plant("github's job")})
    visitor.post("github", job, SECRETS["github"], query, **{"X-GitHub-Event": "workflow_job"})
    variables = [{"key": "DB_PASSWORD", "value": plant("gitlab's variable")}]
    hook = sample("gitlab", "pipeline.failed", object_attributes__variables=variables)
    visitor.post("gitlab", hook, SECRETS["gitlab"], query, **{"X-Gitlab-Event": "Pipeline Hook"})
    note = notification("COMPLETED", "FAILURE", log=f"password={plant('log of jenkins')}")
    note["build"]["parameters"] = {"API_KEY": plant("parameter of jenkins")}
    visitor.post("jenkins", note, SECRETS["jenkins"], query)
    event = sample("cloudevents", "pipelinerun.finished", data__subject__secret=plant("event"))
    visitor.post("cloudevents", event, SECRETS["cloudevents"], query)
    visitor.post("milepost", {"password": plant("wrong field")}, SECRETS["milepost"])


def post_refused(visitor: Visitor) -> None:
    """Send requests that are refused or broken."""
    for source in SECRETS:
        wrong = proof(source, SECRETS[source].replace("canary", "cagari"), b"{}")
        visitor.post(source, {}, SECRETS[source], f"token={plant('knock')}", **wrong)
    visitor.ask("GET", "/builds", plant("wrong token"))
    visitor.ask("GET", f"/nowhere?token={plant('query of a page')}")
    visitor.ask("POST", "/sign-in", data={"token": plant("form"), "csrf": plant("form's csrf")})
    visitor.ask("POST", "/api/v1/failures/x/resolve", json={"notes": plant("api body")})
    for line in ("GET /?a={} HTTP/9.9\r\n\r\n", "G{} / HTTP/1.1\r\n\r\n", "GET /{0} {0}\r\n\r\n"):
        answer = send(visitor.receiver.url, line.format(plant("broken line")).encode())
        visitor.answers[f"broken {len(visitor.answers)}"] = repr(answer)
    answer = send(visitor.receiver.url, head("/", [("A B", plant("broken header"))]))
    visitor.answers["broken header"] = repr(answer)


def read_everything(visitor: Visitor) -> None:
    """Get every page and every answer of the API, and the page of each delivery."""
    with psycopg.connect(visitor.receiver.environment["DATABASE_URL"]) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM deliveries").fetchall()]
    known = {
        "build_number": "canary-1",
        "project": "core",
        "platform": "aws",
        "os_version": "rhel-9",
        "image_type": "base",
        "filename": "milepost.css",
        "part": "stages",
        "source_name": "milepost",
        "sender_name": "team",
        "name": "core",
        "names": "core/aws/rhel-9/base",
    }
    config = Config(data_dir=Path("/nowhere"), database_url="postgresql:///none")
    app = create_app(config)
    app.extensions["milepost"].database.close()
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()):
                continue
            for delivery_id in ids if "delivery_id" in rule.arguments else ids[:1]:
                values = known | {"delivery_id": delivery_id, "failure_id": delivery_id}
                url = rule.build({name: values[name] for name in rule.arguments}, False)
                assert url
                visitor.ask("GET", url[1])
                visitor.ask("GET", url[1], headers={"Accept": "text/html"})
    for number in ("canary-2", "canary-3"):
        for path in (f"/builds/{number}", f"/builds/{number}.json", f"/api/v1/builds/{number}"):
            visitor.ask("GET", path)
    visitor.ask("GET", "/failures?all=1")
    visitor.ask("GET", "/api/v1/failures?status=all")


def found_in(text: str) -> set[str]:
    """Return the places whose secrets are in a text."""
    return {where for where, secret in PLANTED.items() if secret in text}
