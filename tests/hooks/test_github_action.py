"""The GitHub action's steps with a runner's variables and files; and what linters say of it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hooks import __version__
from tests.support import ROOT
from tests.support.receivers import Running, started

ACTION = ROOT / "hooks" / "github"
SCRIPTS = [ROOT / "hooks" / "install.sh", *ACTION.glob("*.sh")]
ZIZMOR = Path(sys.executable).with_name("zizmor")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    with started() as running:
        yield running


class Runner:
    """A job on a runner: its steps' environment and PATH grow by the files that they write.

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
        """Run the composite steps whose condition holds."""
        action = yaml.safe_load((ACTION / "action.yml").read_text())
        known = dict.fromkeys(action["inputs"], "") | {"check-run-id": "84211"}
        given = known | {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() == known.keys()
        return [
            self.run(step["run"], **{name: _filled(text, given) for name, text in env.items()})
            for step in action["runs"]["steps"]
            if _holds(step["if"], given) and (env := step["env"])
        ]

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a step as `shell: bash` does, then take in what it wrote."""
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
        said = re.findall(r"^(\w+)<<(.+)\n((?:.*\n)*?)\2\n", files["GITHUB_ENV"].read_text(), re.M)
        self.env |= {name: value[:-1] for name, _, value in said}
        for line in files["GITHUB_PATH"].read_text().splitlines():
            self.env["PATH"] = f"{line}{os.pathsep}{self.env['PATH']}"
        return done


def _holds(condition: str, inputs: dict[str, str]) -> bool:
    match = re.fullmatch(r"inputs\.([\w-]+) (==|!=) ''", condition)
    assert match, condition
    return (inputs[match[1]] == "") == (match[2] == "==")


def _filled(text: str, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: inputs[match[1]], text)


def quiet(done: subprocess.CompletedProcess[str]) -> bool:
    return (done.returncode, done.stderr) == (0, "")


def workflow() -> dict[str, Any]:
    """The docs' workflow."""
    text = (ROOT / "docs" / "github.md").read_text()
    found: dict[str, Any] = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.S)[0])
    return found


def test_a_job_that_fails_is_a_failed_build(receiver: Running, tmp_path: Path):
    steps = workflow()["jobs"]["golden"]["steps"]
    first, last = [step["with"] for step in steps if "uses" in step]
    assert (last, first["project"]) == ({"status": "${{ job.status }}"}, "core")
    said = dict.fromkeys(first, "x") | {
        "url": f"{receiver.url}/webhooks/milepost",
        "secret": receiver.secrets["milepost"],
        "project": 'core\nEVIL=1"; echo $(id)',
        "os-version": "rhel-9",
        "build-number": "by-github",
    }
    job = Runner(tmp_path)
    assert all(map(quiet, job.use(**{name.replace("-", "_"): said[name] for name in said})))
    assert "EVIL" not in job.env
    assert job.env["MILEPOST_PROJECT"] == said["project"]
    assert quiet(job.run(next(step["run"] for step in steps if "stage" in step.get("run", ""))))
    assert all(map(quiet, job.use(status="failure")))
    build = receiver.build("by-github")
    assert (build["status"], build["os_version"], build["attempt"]) == ("failed", "rhel-9", 2)
    assert [(row["state"], row["status"]) for row in build["states"]] == [(15, "failed")]
    checked = job.run("milepost-hook check").stdout
    assert "github:acme/images:500:2:84211" in checked


def test_without_a_secret_a_job_goes_on(receiver: Running, tmp_path: Path):
    job = Runner(tmp_path)
    assert all(map(quiet, job.use(url=receiver.url)))
    for done in (job.run("milepost-hook stage x"), *job.use(status="success")):
        assert (done.returncode, done.stderr) == (
            0,
            "milepost: not reporting: set MILEPOST_SECRET\n",
        )


@pytest.mark.parametrize("trouble", ["away", "another file"])
def test_without_the_hook_a_job_goes_on(receiver: Running, tmp_path: Path, trouble: str):
    job = Runner(tmp_path)
    away = {"url": "http://127.0.0.1:1", "secret": "whsec_AAAA"}
    given = away if trouble == "away" else {"url": receiver.url, "hook_sha256": "0" * 64}
    (done,) = job.use(**given)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "the hook could not be fetched" in done.stderr
    assert job.run("milepost-hook stage x").returncode == 0
    assert job.run("milepost-hook stage x", MILEPOST_STRICT="1").returncode == 1
    (last,) = job.use(status="success")
    assert last.returncode == 0


def test_the_last_step_alone_breaks_nothing(tmp_path: Path):
    (done,) = Runner(tmp_path).use(status="cancelled")
    assert done.returncode == 0
    assert "the action was not used before" in done.stderr


def test_the_pinned_file_is_taken(receiver: Running, tmp_path: Path):
    job = Runner(tmp_path)
    digest = subprocess.run(
        ["curl", "-fsS", f"{receiver.url}/hook.sha256"], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    assert all(map(quiet, job.use(url=receiver.url, hook_sha256=digest)))
    assert job.run("milepost-hook --version").stdout == f"{__version__}\n"


def test_without_python_the_sh_hook_is_taken(receiver: Running, tmp_path: Path):
    few = tmp_path / "few programs"
    few.mkdir()
    for name in ("sh", "bash", "curl", "openssl", "mkdir", "rm", "mv", "chmod", "tr", "sed", "head",
                 "date", "od", "cat"):  # fmt: skip
        (few / name).symlink_to(f"/usr/bin/{name}")
    job = Runner(tmp_path, PATH=str(few))
    number = "github-without-python"
    secret = receiver.secrets["milepost"]
    assert all(map(quiet, job.use(url=receiver.url, secret=secret, build_number=number)))
    assert quiet(job.run("milepost-hook stage Storage"))
    assert all(map(quiet, job.use(status="success")))
    assert receiver.build(number)["status"] == "completed"


def test_the_workflow_of_the_docs_and_the_action_are_sound(tmp_path: Path):
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    pinned = yaml.safe_dump(workflow()).replace("@COMMIT", f"@{'0' * 40} # 0.2.0").replace("'", "")
    (folder / "golden.yml").write_text(pinned.replace("true:", '"on":'))
    for target in (ACTION / "action.yml", tmp_path):
        command = [str(ZIZMOR), "--offline", "--quiet", "--persona", "pedantic", str(target)]
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        unnamed = {"anonymous-definition", "concurrency-limits"}
        found = set(re.findall(r"\[([a-z-]+)\]:", done.stdout)) - unnamed
        assert found == set(), done.stdout


def test_shellcheck_finds_nothing():
    command = ["shellcheck", "-x", "-P", str(ROOT), *map(str, SCRIPTS)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
