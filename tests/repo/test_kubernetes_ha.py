"""deploy/k8s/ha: a PostgreSQL of three and receivers that read, as a part of deploy/k8s."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from receiver.config import load
from tests.repo.test_kubernetes import CONTAINER, DEPLOYMENT, K8S, RELEASES, fits, read, settings
from tests.support import ROOT
from tests.support.senders import SECRET

HA = K8S / "ha"
COMPONENT = yaml.safe_load((HA / "kustomization.yaml").read_text())
KUBERNETES = ("read.yaml", "read-service.yaml", "web.yaml", "web-service.yaml", "network.yaml")
CLUSTER = read("ha/postgres.yaml")
READER = read("ha/read.yaml")
(READS,) = READER["spec"]["template"]["spec"]["containers"]
# https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/: the fields that are used here,
# as the schema of the operator's own definition has them; that is too large to be kept here.
CLUSTER_SHAPE: dict[str, Any] = {
    "apiVersion": "postgresql.cnpg.io/v1",
    "kind": "Cluster",
    "metadata": {"name": str},
    "spec": {
        "instances": int,
        "imageName": str,
        "primaryUpdateMethod": "switchover",
        "affinity": {
            "enablePodAntiAffinity": bool,
            "podAntiAffinityType": "required",
            "topologyKey": str,
        },
        "bootstrap": {"initdb": {"database": str, "owner": str, "encoding": str}},
        "postgresql": {
            "synchronous": {
                "method": "any",
                "number": int,
                "dataDurability": "required",
                "failoverQuorum": bool,
            },
            "parameters": {
                "max_connections": str,
                "synchronous_commit": str,
                "max_standby_streaming_delay": str,
                "hot_standby_feedback": str,
                "max_slot_wal_keep_size": str,
            },
        },
        "storage": {"size": str},
        "walStorage": {"size": str},
        "resources": {
            "requests": {"cpu": str, "memory": str},
            "limits": {"memory": str},
        },
    },
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", KUBERNETES)
def test_a_manifest_fits_the_schema_of_kubernetes(name: str, release: str):
    kubernetes_validate.validate(read(f"ha/{name}"), release, strict=True)


def test_the_cluster_has_the_shape_of_cloudnativepg():
    assert fits(CLUSTER, CLUSTER_SHAPE)
    wrong = yaml.safe_load((HA / "postgres.yaml").read_text())
    wrong["spec"]["postgresql"]["synchronous"]["dataDurabilty"] = "required"
    assert not fits(wrong, CLUSTER_SHAPE)


def test_no_commit_is_told_before_a_standby_has_it_and_a_page_shows_what_was_told():
    synchronous = CLUSTER["spec"]["postgresql"]["synchronous"]
    assert (synchronous["number"], synchronous["dataDurability"]) == (1, "required")
    assert synchronous["failoverQuorum"] is True
    parameters = CLUSTER["spec"]["postgresql"]["parameters"]
    assert all(isinstance(value, str) for value in parameters.values())
    patroni = yaml.safe_load((K8S.parent / "patroni/patroni.yml").read_text())
    same = patroni["bootstrap"]["dcs"]["postgresql"]["parameters"]
    for name in ("synchronous_commit", "max_standby_streaming_delay", "hot_standby_feedback"):
        assert str(same[name]) == parameters[name]


def test_every_file_is_listed_and_every_listed_file_is_there():
    listed = [*COMPONENT["resources"], *(each["path"] for each in COMPONENT["patches"])]
    assert {path.name for path in HA.iterdir()} - {"kustomization.yaml"} == set(listed)


def test_readers_are_the_receivers_with_another_database():
    assert {**READS, "env": None} == {**CONTAINER, "env": None}
    labels = READER["spec"]["selector"]["matchLabels"]
    assert labels == READER["spec"]["template"]["metadata"]["labels"]
    assert labels != DEPLOYMENT["spec"]["selector"]["matchLabels"]
    assert read("ha/read-service.yaml")["spec"]["selector"] == labels
    policy = read("network.yaml")["spec"]["podSelector"]["matchLabels"]
    assert policy.items() <= labels.items()


def test_readers_prefer_a_standby_of_the_cluster(tmp_path: Path):
    given = {each["name"]: each.get("value") for each in READS["env"]}
    (tmp_path / "secret").write_text(SECRET)
    variables = {
        name: str(tmp_path / "secret") if value.startswith("/etc/milepost/secrets") else value
        for name, value in settings().items()
        if not value.startswith(("/etc/milepost/senders", "/etc/milepost/rules"))
    }
    variables |= {name: value for name, value in given.items() if value is not None}
    config = load(variables | {"MILEPOST_DATA_DIR": str(tmp_path)})
    url = conninfo_to_dict(config.database_url or "")
    name = CLUSTER["metadata"]["name"]
    assert str(url["host"]).split(",") == [f"{name}-ro", f"{name}-rw"]
    assert url["target_session_attrs"] == "prefer-standby"
    initdb = CLUSTER["spec"]["bootstrap"]["initdb"]
    assert (url["user"], url["dbname"]) == (initdb["owner"], initdb["database"])
    (password,) = [each for each in READS["env"] if each["name"] == "PGPASSWORD"]
    assert password["valueFrom"]["secretKeyRef"]["name"] == f"{name}-app"


def test_nginx_reaches_the_receivers_and_nobody_else_does():
    web = read("ha/web.yaml")["spec"]["template"]
    labels = web["metadata"]["labels"]
    assert read("ha/web-service.yaml")["spec"]["selector"] == labels
    policy = read("ha/network.yaml")["spec"]
    (rule,) = policy["ingress"]
    assert [each["podSelector"]["matchLabels"] for each in rule["from"]] == [labels]
    assert policy["podSelector"] == read("network.yaml")["spec"]["podSelector"]
    (nginx,) = web["spec"]["containers"]
    mounted = {each["mountPath"]: each.get("subPath") for each in nginx["volumeMounts"]}
    compose = yaml.safe_load((ROOT / "compose.ha.yaml").read_text())["services"]["nginx"]
    for line in compose["volumes"]:
        source, target, _ = line.split(":")
        assert mounted[target] == Path(source).name
    (port,) = nginx["ports"]
    assert f"listen {port['containerPort']};" in (ROOT / "deploy/nginx/readers.conf").read_text()


def test_the_parts_are_built_into_one(tmp_path: Path):
    folder = tmp_path / "k8s"
    shutil.copytree(K8S, folder)
    with (folder / "kustomization.yaml").open("a") as file:
        file.write("components: [monitoring, ha]\n")
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, check=True)
    built = {
        (each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(done.stdout)
    }
    for kind, name in (("Deployment", "milepost"), ("Job", "milepost-migrate")):
        pod = built[kind, name]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        (url,) = [each for each in container["env"] if each["name"] == "DATABASE_URL_FILE"]
        assert url["value"] == "/etc/milepost/database/uri"
        secrets = {
            each["name"]: each["secret"]["secretName"]
            for each in pod["volumes"]
            if "secret" in each
        }
        assert secrets["database"] == f"{CLUSTER['metadata']['name']}-app"
    reader = built["Deployment", "milepost-read"]["spec"]["template"]["spec"]["containers"][0]
    assert reader["image"].startswith("milepost:")
    for each in built.values():
        if "." not in each["apiVersion"].partition("/")[0] or each["apiVersion"].endswith(
            "k8s.io/v1"
        ):
            kubernetes_validate.validate(each, RELEASES[-1], strict=True)
