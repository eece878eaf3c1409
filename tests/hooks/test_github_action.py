"""The GitHub action's steps with a runner's variables and files, and its linter."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from hooks import __version__
from tests.support import ROOT, documented_packer
from tests.support.receivers import Running

PAGE = (ROOT / "docs" / "github.md").read_text()
ACTION = ROOT / "hooks" / "github"
ZIZMOR = Path(sys.executable).with_name("zizmor")


class Runner:
    """A job on a runner: its steps extend environment and PATH by the files that they write.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder / "work dir"
        self.folder.mkdir()
        self.env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "RUNNER_TEMP": str(self.folder),
            "RUNNER_NAME": "runner 1",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_REPOSITORY": "acme/images",
            "GITHUB_RUN_ID": "500",
            "GITHUB_RUN_ATTEMPT": "2",
            "GITHUB_JOB": "golden",
            **settings,
        }

    def use(self, **inputs: str) -> list[subprocess.CompletedProcess[str]]:
        """Run the composite steps whose condition is true; return their results."""
        action = yaml.safe_load((ACTION / "action.yml").read_text())
        defaults = dict.fromkeys(action["inputs"], "") | {"check-run-id": "84211"}
        values = defaults | {name.replace("_", "-"): value for name, value in inputs.items()}
        assert values.keys() == defaults.keys()
        return [
            self.run(
                step["run"], **{name: _substituted(text, values) for name, text in env.items()}
            )
            for step in action["runs"]["steps"]
            if _is_true(step["if"], values) and (env := step["env"])
        ]

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a step as `shell: bash` does, then read the files that it wrote."""
        files = {name: self.folder / name for name in ("GITHUB_ENV", "GITHUB_PATH")}
        for path in files.values():
            path.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            env=self.env | more | {name: str(path) for name, path in files.items()},
            cwd=self.folder,
            text=True,
            capture_output=True,
            check=False,
        )
        variables = re.findall(
            r"^(\w+)<<(.+)\n((?:.*\n)*?)\2\n", files["GITHUB_ENV"].read_text(), re.M
        )
        self.env |= {name: value[:-1] for name, _, value in variables}
        for line in files["GITHUB_PATH"].read_text().splitlines():
            self.env["PATH"] = f"{line}{os.pathsep}{self.env['PATH']}"
        return done


def _is_true(condition: str, inputs: dict[str, str]) -> bool:
    match = re.fullmatch(r"inputs\.([\w-]+) (==|!=) ''", condition)
    assert match, condition
    return (inputs[match[1]] == "") == (match[2] == "==")


def _substituted(text: str, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: inputs[match[1]], text)


def is_silent(done: subprocess.CompletedProcess[str]) -> bool:
    return (done.returncode, done.stderr) == (0, "")


def workflow() -> dict[str, Any]:
    """Return the workflow of the docs."""
    document: dict[str, Any] = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0])
    return document


def documented_inputs() -> list[dict[str, str]]:
    """Return the inputs of both uses of the action in the docs."""
    steps = workflow()["jobs"]["golden"]["steps"]
    return [step["with"] for step in steps if "hooks/github@" in step.get("uses", "")]


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_documented_job_reports_its_image(receiver: Running, tmp_path: Path, cloud: str):
    (manifest,) = re.findall(r"```hcl\n(.*?)```", PAGE, re.S)
    steps, (first, _) = workflow()["jobs"]["golden"]["steps"], documented_inputs()
    job = Runner(tmp_path, OS="rhel-9", CLOUD=cloud, CHECKPOINT_DISABLE="1", GITHUB_RUN_ID=cloud)
    job.env["PATH"] = f"{documented_packer.prepare(job.folder, manifest)}:{job.env['PATH']}"
    matrix = {"${{ matrix.cloud }}": cloud, "${{ matrix.os }}": "rhel-9"}
    given = {"url": receiver.url, "secret": receiver.secrets["milepost"]}
    inputs = {name: matrix.get(text, text) for name, text in first.items()} | given
    job.use(**{name.replace("-", "_"): text for name, text in inputs.items()})
    runs = [step["run"] for step in steps if "run" in step]
    assert len(runs) == 2
    for done in map(job.run, runs):
        assert done.returncode == 0, done.stdout + done.stderr
    (last,) = job.use(status="success")
    assert (
        last.stdout == f"milepost: {receiver.url}/builds/acme.images-{cloud}-rhel-9-base-{cloud}\n"
    )
    build = receiver.build(f"acme.images-{cloud}-rhel-9-base-{cloud}")
    assert build["build_number"] == f"acme.images-{cloud}-rhel-9-base-{cloud}-null.{cloud}"
    identity = [build[name] for name in ("project", "platform", "os_version", "image_type")]
    assert (build["status"], identity) == ("completed", ["core", cloud, "rhel-9", "base"])
    assert [each["name"] for each in build["artifacts"]] == [cloud]
    assert 25 in [row["state"] for row in build["states"]]


def test_hook_is_compiled_as_it_is_fetched(receiver: Running, tmp_path: Path):
    (done,) = Runner(tmp_path).use(url=receiver.url, secret=receiver.secrets["milepost"])
    assert is_silent(done)
    with zipfile.ZipFile(tmp_path / "work dir" / "milepost" / "milepost-hook") as file:
        assert {"__main__.pyc", "hooks/client.pyc"} <= set(file.namelist())


def test_failed_job_is_a_failed_build(receiver: Running, tmp_path: Path):
    first, last = documented_inputs()
    assert (last, first["project"]) == ({"status": "${{ job.status }}"}, "core")
    inputs = dict.fromkeys(first, "x") | {
        "url": f"{receiver.url}/webhooks/milepost",
        "secret": receiver.secrets["milepost"],
        "project": 'core\nEVIL=1"; echo $(id)',
        "os-version": "rhel-9",
        "build-number": "by-github",
    }
    job = Runner(tmp_path)
    assert all(map(is_silent, job.use(**{name.replace("-", "_"): inputs[name] for name in inputs})))
    assert "EVIL" not in job.env
    assert job.env["MILEPOST_PROJECT"] == inputs["project"]
    assert is_silent(job.run('milepost-hook stage "Base configuration"'))
    assert all(map(is_silent, job.use(status="failure")))
    build = receiver.build("by-github")
    assert (build["status"], build["os_version"], build["attempt"]) == ("failed", "rhel-9", 2)
    assert [(row["state"], row["status"]) for row in build["states"]] == [(15, "failed")]
    assert "github:acme/images:500:2:84211" in job.run("milepost-hook check").stdout


def test_job_without_a_secret_succeeds(receiver: Running, tmp_path: Path):
    job = Runner(tmp_path)
    assert all(map(is_silent, job.use(url=receiver.url)))
    for done in (job.run("milepost-hook stage x"), *job.use(status="success")):
        assert (done.returncode, done.stderr) == (
            0,
            "milepost: not reporting: set MILEPOST_SECRET\n",
        )


def test_newer_python_beside_an_older_python3_is_used(receiver: Running, tmp_path: Path):
    programs = few_programs(tmp_path)
    (programs / "python3").write_text("#!/bin/sh\nexit 1\n")  # as an older one answers
    (programs / "python3").chmod(0o755)
    (programs / "python3.11").symlink_to(sys.executable)
    job = Runner(tmp_path, PATH=str(programs))
    secret = receiver.secrets["milepost"]
    assert all(map(is_silent, job.use(url=receiver.url, secret=secret, build_number="newer")))
    assert job.run("milepost-hook --version").stdout == f"{__version__}\n"
    assert all(map(is_silent, job.use(status="success")))
    assert receiver.build("newer")["status"] == "completed"


@pytest.mark.parametrize("trouble", ["away", "without python"])
def test_packer_runs_whatever_became_of_the_hook(receiver: Running, tmp_path: Path, trouble: str):
    programs = few_programs(tmp_path)
    (programs / "packer").write_text("#!/bin/sh\necho packer $*; exit 7\n")
    (programs / "packer").chmod(0o755)
    job = Runner(tmp_path, PATH=str(programs))
    job.use(url="http://127.0.0.1:1" if trouble == "away" else receiver.url)
    done = job.run("milepost-hook packer build -var 'a b' .")
    assert (done.returncode, done.stdout) == (7, "packer build -var a b .\n")


def test_hook_is_fetched_at_the_end_if_the_receiver_was_away(receiver: Running, tmp_path: Path):
    job = Runner(tmp_path)
    secret = receiver.secrets["milepost"]
    job.use(url="http://127.0.0.1:1", secret=secret, build_number="fetched-late")
    assert job.run("milepost-hook stage Storage").returncode == 0
    job.env["MILEPOST_URL"] = receiver.url
    assert all(map(is_silent, job.use(status="failure")))
    assert receiver.build("fetched-late")["status"] == "failed"


def few_programs(folder: Path) -> Path:
    """Return a folder of what an image without Python has."""
    programs = folder / "few programs"
    programs.mkdir()
    for name in ("sh", "bash", "curl", "openssl", "mkdir", "rm", "mv", "chmod", "tr", "sed", "head",
                 "date", "od", "cat"):  # fmt: skip
        (programs / name).symlink_to(f"/usr/bin/{name}")
    return programs


@pytest.mark.parametrize("trouble", ["away", "another file"])
def test_job_without_the_hooks_file_succeeds(receiver: Running, tmp_path: Path, trouble: str):
    job = Runner(tmp_path)
    away = {"url": "http://127.0.0.1:1", "secret": "whsec_AAAA"}
    other = {"url": receiver.url, "hook_sha256": "0" * 64}
    (done,) = job.use(**away if trouble == "away" else other)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "the hook could not be fetched" in done.stderr
    assert job.run("milepost-hook stage x").returncode == 0
    assert job.run("milepost-hook stage x", MILEPOST_STRICT="1").returncode == 1
    (last,) = job.use(status="success")
    assert last.returncode == 0


def test_last_step_alone_succeeds(tmp_path: Path):
    (done,) = Runner(tmp_path).use(status="cancelled")
    assert done.returncode == 0
    assert "the action was not used before" in done.stderr


def test_file_with_the_pinned_digest_is_used(receiver: Running, tmp_path: Path):
    job = Runner(tmp_path)
    digest = subprocess.run(
        ["curl", "-fsS", f"{receiver.url}/hook.sha256"], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    assert all(map(is_silent, job.use(url=receiver.url, hook_sha256=digest)))
    assert job.run("milepost-hook --version").stdout == f"{__version__}\n"


def test_shell_hook_is_used_without_python(receiver: Running, tmp_path: Path):
    job = Runner(tmp_path, PATH=str(few_programs(tmp_path)))
    number = "github-without-python"
    secret = receiver.secrets["milepost"]
    assert all(map(is_silent, job.use(url=receiver.url, secret=secret, build_number=number)))
    assert is_silent(job.run("milepost-hook stage Storage"))
    assert all(map(is_silent, job.use(status="success")))
    assert receiver.build(number)["status"] == "completed"


def test_zizmor_finds_nothing_in_the_docs_workflow_and_the_action(tmp_path: Path):
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    text = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0]
    (folder / "golden.yml").write_text(text.replace("@COMMIT", f"@{'0' * 40} # 0.2.0"))
    for target in (ACTION / "action.yml", tmp_path):
        command = [str(ZIZMOR), "--offline", "--quiet", "--persona", "pedantic", str(target)]
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        unnamed = {"anonymous-definition", "concurrency-limits"}
        findings = set(re.findall(r"\[([a-z-]+)\]:", done.stdout)) - unnamed
        assert findings == set(), done.stdout
