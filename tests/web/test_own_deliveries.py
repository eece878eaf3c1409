"""The inbox of a token of some projects: their deliveries alone."""

from collections.abc import Callable
from dataclasses import replace

import orjson
from flask.testing import FlaskClient

from receiver.config import Config
from tests.support.forges import SECRETS
from tests.support.senders import envelope, proof, stage

Serve = Callable[[Config], FlaskClient]
Token = Callable[..., str]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_of_a_project_reads_its_own_deliveries_alone(
    serve: Serve, config: Config, token: Token
):
    senders = []
    for name, projects in {"a": '["core"]', "b": '["web"]', "both": '["core", "web"]'}.items():
        (config.data_dir / f"{name}.secret").write_text(f"bearer:the-token-of-{name}\n")
        senders.append(
            f'[[sender]]\nname = "{name}"\nsource = "milepost"\n'
            f'secret_file = "{name}.secret"\nprojects = {projects}\n'
        )
    config.senders.write_text("".join(senders))
    client = serve(replace(config, public_read=False))
    for name, project in {"a": "core", "b": "web", "both": "web"}.items():
        document = envelope(stage("Base"), number=f"n-{name}", run=name, build={"project": project})
        headers = bearer(f"the-token-of-{name}")
        path = f"/webhooks/milepost/{name}"
        assert client.post(path, json=document, headers=headers).status_code == 202
        assert client.post(path, json=document | {"x": 1}, headers=headers).status_code == 422
    own = bearer(token("read", "--project", "core"))
    page = client.get("/deliveries.json", headers=own).get_json()
    assert [row["builds"] for row in page["items"]] == [["n-a"]]
    filtered = client.get("/deliveries.json?delivery_key=of-nobody", headers=own).get_json()
    assert filtered["items"] == []
    assert {row["sender"] for row in page["refusals"]} == {"a"}
    assert {row["sender"] for row in page["senders"]} == {"a"}
    every = bearer(token("admin"))
    items = client.get("/deliveries.json", headers=every).get_json()["items"]
    assert len(items) == 3
    for item in items:
        status = 200 if item["builds"] == ["n-a"] else 404
        assert client.get(f"/deliveries/{item['id']}", headers=own).status_code == status
    html = client.get("/deliveries", headers=own | {"Accept": "text/html"}).text
    assert "n-a" in html
    assert "n-b" not in html


def test_a_token_of_a_project_reads_what_its_own_sender_left_without_a_build(
    serve: Serve, config: Config, token: Token
):
    (config.data_dir / "a.secret").write_text("secret-of-a\n")
    config.senders.write_text(
        '[[sender]]\nname = "a"\nsource = "github"\nsecret_file = "a.secret"\nprojects = ["core"]\n'
    )
    secrets = {**config.secrets, "github": (SECRETS["github"],)}
    client = serve(replace(config, secrets=secrets, public_read=False))
    body = orjson.dumps({"workflow_job": None})
    for path, secret in {"github/a": "secret-of-a", "github": SECRETS["github"]}.items():
        headers = proof("github", secret, body) | {
            "X-GitHub-Event": "workflow_job",
            "X-GitHub-Delivery": path,
        }
        answer = client.post(
            f"/webhooks/{path}", data=body, headers=headers, content_type="application/json"
        )
        assert answer.get_json()["outcome"] == "quarantined"
    page = client.get("/deliveries.json", headers=bearer(token("read", "--project", "core")))
    document = page.get_json()
    assert [row["sender"] for row in document["items"]] == ["a"]
    assert [row["sender"] for row in document["problems"]] == ["a"]
