"""What is deployed: nginx in front of a receiver, the image's steps, the Compose files."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest
import requests
import yaml
from psycopg.conninfo import conninfo_to_dict

from receiver.config import load
from tests.support import ROOT
from tests.support.nginx import nginx
from tests.support.receivers import Running, free_port, started
from tests.support.senders import envelope, proof, stage

DEPLOY = ROOT / "deploy"
COMPOSE = ("compose.yaml", "compose.tls.yaml", "compose.ha.yaml")
BIN = Path(sys.executable).parent
HALF = (
    b"GET /builds HTTP/1.1\r\nHost: x\r\n",
    b"POST /webhooks/milepost HTTP/1.1\r\n"
    b"Host: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def front(receiver: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nginx(tmp_path_factory.mktemp("nginx"), receiver.url.removeprefix("http://")) as url:
        yield url


def deliver(receiver: Running, url: str, number: str, size: int = 0) -> requests.Response:
    document = envelope(stage("Base"), number=number)
    body = orjson.dumps(document) + b" " * size
    headers = proof("milepost", receiver.secrets["milepost"], body)
    headers["Content-Type"] = "application/json"
    return requests.post(f"{url}/webhooks/milepost", body, headers=headers, timeout=30)


def test_a_delivery_arrives_through_nginx(receiver: Running, front: str):
    assert deliver(receiver, front, "through").status_code == 202
    assert "through" in requests.get(f"{front}/builds", timeout=30).text


def test_idle_and_half_sent_requests_do_not_stop_it(receiver: Running, front: str):
    host, _, port = front.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        for place in range(200):
            client = stack.enter_context(socket.create_connection((host, int(port))))
            if place % 2:
                client.sendall(HALF[place // 2 % 2])
        for place in range(10):
            assert deliver(receiver, front, f"busy-{place}").status_code == 202


def test_a_large_body_gets_the_receivers_own_answer(receiver: Running, front: str):
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: deliver(receiver, front, "large", 6 * 2**20), range(24))
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(413, "too-large")}
    assert deliver(receiver, front, "larger", 27 * 2**20).status_code == 413


def test_a_body_that_nobody_reads_gets_its_answer_too(front: str):
    answer = requests.post(f"{front}/webhooks/nothing", b" " * 20 * 2**20, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_nobody_says_for_whom_nginx_speaks(front: str):
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "x"}
    answer = requests.get(f"{front}/setup", headers=headers, timeout=30)
    assert "evil.example" not in answer.text
    assert "Strict-Transport-Security" not in answer.headers


def test_an_absent_receiver_is_503_to_be_tried_again(tmp_path: Path):
    with nginx(tmp_path, f"127.0.0.1:{free_port()}") as url:
        answer = requests.get(f"{url}/builds", timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert answer.json()["code"] == "unavailable"


def test_the_images_steps_name_files_that_are_there():
    text = (ROOT / "Dockerfile").read_text()
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"]
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert {"receiver", "sql", "hooks"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(source == each or source.startswith(f"{each}/") for each in kept), source


def test_the_image_holds_every_file_that_the_receiver_serves():
    served = re.findall(r"^(receiver/\S+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert served == ["receiver/milepost-hook.pyz", "receiver/milepost-hook.sh"]
    for name in served:
        assert name in (ROOT / "Dockerfile").read_text()


def test_nginx_passes_no_header_on_that_names_a_user():
    text = (DEPLOY / "nginx/locations.conf").read_text()
    for name in (
        *("X-Forwarded-User", "X-Remote-User", "Remote-User"),
        *("X-Forwarded-Groups", "X-Remote-Groups", "Remote-Groups"),
    ):
        assert f'proxy_set_header {name} "";' in text


def test_the_dockerfile_is_linted():
    for path in (ROOT / "Dockerfile", DEPLOY / "patroni" / "Dockerfile"):
        subprocess.run([BIN / "hadolint", path], check=True)


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_files_fit_the_specification(name: str):
    schema = ["--builtin-schema", "vendor.compose-spec", str(ROOT / name)]
    subprocess.run([str(BIN / "check-jsonschema"), *schema], check=True)


def test_compose_files_name_files_that_are_there():
    for name in COMPOSE:
        services = yaml.safe_load((ROOT / name).read_text())["services"]
        mounted = [each for service in services.values() for each in service.get("volumes", ())]
        for source in (each.partition(":")[0] for each in mounted):
            if source.startswith("./") and source != "./deploy/tls":
                assert (ROOT / source).is_file(), source


def test_what_compose_needs_is_made_once_and_is_private(tmp_path: Path):
    script = tmp_path / "deploy" / "secrets.sh"
    script.parent.mkdir()
    shutil.copy(DEPLOY / "secrets.sh", script)
    subprocess.run([script], check=True, capture_output=True)
    made = script.parent / "secrets"
    assert made.stat().st_mode & 0o777 == 0o700
    wanted = [
        each["file"]
        for name in ("compose.yaml", "compose.ha.yaml")
        for each in yaml.safe_load((ROOT / name).read_text())["secrets"].values()
    ]
    assert set(wanted) == {f"deploy/secrets/{p.name}" for p in made.iterdir()}
    config = load(
        {
            "MILEPOST_SECRET_MILEPOST_FILE": str(made / "milepost"),
            "DATABASE_URL_FILE": str(made / "database_url"),
        }
    )
    assert conninfo_to_dict(config.database_url or "")["host"] == "postgres"
    for name, attributes in (
        ("database_url_ha", "read-write"),
        ("database_url_read", "prefer-standby"),
    ):
        members = conninfo_to_dict((made / name).read_text())
        assert set(str(members["host"]).split(",")) == _members()
        assert members["target_session_attrs"] == attributes


def test_what_a_newer_release_needs_is_added_and_nothing_else_changes(tmp_path: Path):
    script = tmp_path / "deploy" / "secrets.sh"
    script.parent.mkdir()
    shutil.copy(DEPLOY / "secrets.sh", script)
    subprocess.run([script], check=True, capture_output=True)
    made = script.parent / "secrets"
    before = {each.name: each.read_text() for each in made.iterdir()}
    new = ("sender_key", "database_url_ha", "database_url_read")
    for name in new:
        (made / name).unlink()
    said = subprocess.run([script], check=True, capture_output=True, text=True).stdout
    after = {each.name: each.read_text() for each in made.iterdir()}
    assert after.pop("sender_key") != before.pop("sender_key")
    assert after == before, "the others are as they were, or follow from the same password"
    assert [line for line in said.splitlines() if line.startswith("made")] == [
        f"made deploy/secrets/{name}" for name in sorted(new)
    ]
    assert {each.stat().st_mode & 0o777 for each in made.iterdir()} == {0o444}


def test_the_scripts_are_checked():
    scripts = [DEPLOY / "secrets.sh", *(DEPLOY / "patroni").glob("*.sh")]
    subprocess.run(["shellcheck", *scripts], check=True)


def _members() -> set[str]:
    """Return the names of the services that run Patroni."""
    services = yaml.safe_load((ROOT / "compose.ha.yaml").read_text())["services"]
    return {name for name, each in services.items() if each.get("build") == "deploy/patroni"}


def test_each_member_of_the_cluster_says_who_it_is():
    services = yaml.safe_load((ROOT / "compose.ha.yaml").read_text())["services"]
    assert len(_members()) == 3
    for name in _members():
        environment = services[name]["environment"]
        assert environment["PATRONI_NAME"] == name
        assert environment["PATRONI_RESTAPI_CONNECT_ADDRESS"] == f"{name}:8008"
        assert environment["PATRONI_POSTGRESQL_CONNECT_ADDRESS"] == f"{name}:5432"
        assert services[name]["volumes"] == [f"{name}:/var/lib/postgresql"]
        stores = [each.partition(":")[0] for each in environment["PATRONI_ETCD3_HOSTS"].split(",")]
        for store in stores:
            assert f"{store}=http://{store}:2380" in services[store]["environment"][
                "ETCD_INITIAL_CLUSTER"
            ].split(",")
            assert services[store]["environment"]["ETCD_NAME"] == store


def test_nginx_names_the_services_that_write_and_read():
    services = yaml.safe_load((ROOT / "compose.ha.yaml").read_text())["services"]
    named = re.findall(r"^ *server (\w+):8080", (DEPLOY / "nginx/readers.conf").read_text(), re.M)
    assert set(named) == {"writer", "reader"} <= services.keys()
    assert set(services["nginx"]["depends_on"]) == set(named)


def test_patroni_never_tells_a_commit_that_no_standby_has():
    settings = yaml.safe_load((DEPLOY / "patroni/patroni.yml").read_text())["bootstrap"]["dcs"]
    assert (settings["synchronous_mode"], settings["synchronous_mode_strict"]) == ("quorum", True)
    # https://patroni.readthedocs.io/en/latest/dynamic_configuration.html, its warning
    assert settings["loop_wait"] + 2 * settings["retry_timeout"] <= settings["ttl"]
    parameters = settings["postgresql"]["parameters"]
    assert parameters["synchronous_commit"] == "remote_apply"
    assert parameters["max_standby_streaming_delay"] == "2s"
