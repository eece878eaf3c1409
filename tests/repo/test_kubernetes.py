"""deploy/k8s: manifests that fit Kubernetes' schemas, each other and the receiver."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from flask.testing import FlaskClient

from receiver import __version__
from receiver.config import load
from receiver.ingest.rules import Rules
from tests.support import ROOT
from tests.support.senders import SECRET

K8S = ROOT / "deploy" / "k8s"
LATEST = kubernetes_validate.latest_version()
RELEASES = ["1.30.0", LATEST]
KUSTOMIZATION = yaml.safe_load((K8S / "kustomization.yaml").read_text())
FILES = [*KUSTOMIZATION["resources"]]
MONITOR = K8S / "monitoring" / "servicemonitor.yaml"
# https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor
MONITOR_SHAPE: dict[str, Any] = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": {"name": str, "namespace": str, "labels": dict},
    "spec": {
        "selector": {"matchLabels": dict},
        "endpoints": [
            {
                "port": str,
                "path": str,
                "interval": re.compile(r"\d+s"),
                "scrapeTimeout": re.compile(r"\d+s"),
                "authorization": {"credentials": {"name": str, "key": str}},
            }
        ],
    },
}


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((K8S / name).read_text())
    return document


DEPLOYMENT, JOB = read("receiver.yaml"), read("migrate.yaml")
POD, MIGRATION = (each["spec"]["template"] for each in (DEPLOYMENT, JOB))
(CONTAINER,), (MIGRATE,) = (each["spec"]["containers"] for each in (POD, MIGRATION))


def settings() -> dict[str, str]:
    lines = (K8S / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", FILES)
def test_a_manifest_fits_the_schema_of_kubernetes(name: str, release: str):
    kubernetes_validate.validate(read(name), release, strict=True)


def test_the_validator_sees_a_wrong_manifest():
    wrong = read("receiver.yaml")
    wrong["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, LATEST, strict=True)


def test_every_manifest_is_listed_and_every_listed_file_is_there():
    files = {path.name for path in K8S.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(FILES)
    generated = [
        name
        for each in KUSTOMIZATION["configMapGenerator"]
        for name in (*each.get("envs", ()), *each.get("files", ()))
    ]
    assert all((K8S / name).is_file() for name in generated)
    assert {path.name for path in K8S.glob("rules/*")} == {
        Path(name).name for name in generated if name.startswith("rules/")
    }
    component = yaml.safe_load((K8S / "monitoring/kustomization.yaml").read_text())
    assert component["resources"] == [MONITOR.name]


def test_the_image_is_of_this_release():
    (image,) = KUSTOMIZATION["images"]
    assert (image["name"], image["newTag"]) == ("milepost", __version__)
    assert CONTAINER["image"] == MIGRATE["image"] == image["name"]


def test_the_service_its_budget_and_its_monitor_select_the_receivers():
    labels = POD["metadata"]["labels"]
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels
    service, budget = read("service.yaml"), read("disruption.yaml")
    assert service["spec"]["selector"] == budget["spec"]["selector"]["matchLabels"] == labels
    assert yaml.safe_load(MONITOR.read_text())["spec"]["selector"]["matchLabels"] == labels
    assert service["metadata"]["labels"] == labels
    assert budget["spec"]["minAvailable"] < DEPLOYMENT["spec"]["replicas"]
    assert labels != MIGRATION["metadata"]["labels"]
    policy = read("network.yaml")["spec"]["podSelector"]["matchLabels"]
    assert all(policy.items() <= each["metadata"]["labels"].items() for each in (POD, MIGRATION))


def test_ports_are_named_alike():
    (port,) = CONTAINER["ports"]
    (of_service,) = read("service.yaml")["spec"]["ports"]
    (rule,) = read("network.yaml")["spec"]["ingress"]
    assert port["name"] == of_service["targetPort"] == rule["ports"][0]["port"]
    assert CONTAINER["args"] == ["serve", "--bind", f"0.0.0.0:{port['containerPort']}"]
    (endpoint,) = yaml.safe_load(MONITOR.read_text())["spec"]["endpoints"]
    assert endpoint["port"] == of_service["name"]


def test_probes_ask_what_the_receiver_answers(client: FlaskClient):
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    paths = {CONTAINER[each]["httpGet"]["path"] for each in probes}
    assert {path: client.get(path).status_code for path in paths} == {"/livez": 200, "/readyz": 200}


def test_a_receiver_ends_within_its_grace_period():
    (seconds,) = CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1:]
    assert int(seconds) + 10 < POD["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("pod", [POD, MIGRATION], ids=["receiver", "migrate"])
def test_a_pod_has_the_user_of_the_image_and_no_right_more(pod: dict[str, Any]):
    user = re.search(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user
    context = pod["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsNonRoot"]) == (int(user[1]), True)
    assert pod["spec"]["automountServiceAccountToken"] is False
    (container,) = pod["spec"]["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    volumes = {each["name"] for each in pod["spec"]["volumes"]}
    assert {each["name"] for each in container["volumeMounts"]} == volumes


def test_the_settings_are_those_of_this_release(tmp_path: Path):
    """With the Secret's files, they are a receiver's: no mistake, no unknown name."""
    mounts = {each["mountPath"] for each in CONTAINER["volumeMounts"] if each.get("readOnly")}
    env = dict(settings())
    for name, value in env.items():
        if value.startswith("/"):
            assert str(Path(value).parent) in mounts, name
            env[name] = str(tmp_path / Path(value).name)
    (tmp_path / "database-url").write_text("postgresql://milepost@db/milepost")
    (tmp_path / "milepost").write_text(SECRET)
    for path in K8S.glob("rules/*"):
        (tmp_path / path.name).write_text(path.read_text())
    config = load(env | {"MILEPOST_DATA_DIR": str(tmp_path / "data")})
    assert (config.unknown, config.warnings) == ((), ())
    assert config.database_url
    assert Rules.load(config).problems() == {}
    (only,) = MIGRATE["env"]
    assert only["value"] == settings()[only["name"]]


def fits(found: Any, shape: Any) -> bool:
    """Return whether a document has the shape, and no key beside it."""
    if isinstance(shape, dict):
        return (
            isinstance(found, dict)
            and found.keys() <= shape.keys()
            and all(fits(value, shape[key]) for key, value in found.items())
        )
    if isinstance(shape, list):
        return isinstance(found, list) and all(fits(each, shape[0]) for each in found)
    if isinstance(shape, re.Pattern):
        return bool(shape.fullmatch(found))
    return isinstance(found, shape) if isinstance(shape, type) else bool(found == shape)


def test_the_monitor_has_the_shape_of_a_servicemonitor():
    document = yaml.safe_load(MONITOR.read_text())
    assert fits(document, MONITOR_SHAPE)
    document["spec"]["endpoints"][0]["intervall"] = "30s"
    assert not fits(document, MONITOR_SHAPE)
