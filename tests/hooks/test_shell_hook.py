"""milepost-hook.sh as it runs: its posts, its signatures, its messages."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from hooks import identity
from receiver.domain.model import NUMBER_SHAPE
from receiver.sources.fields import slug
from receiver.sources.milepost import ENVELOPE
from tests.support import ROOT
from tests.support.ci_variables import GITHUB, GITLAB, JENKINS, packer
from tests.support.listeners import Listener, Post
from tests.support.senders import BEARER, OTHER_SECRET, SECRET

SH = ROOT / "hooks" / "milepost-hook.sh"
NUMBER = {"MILEPOST_BUILD_NUMBER": "b-1"}


def run(
    listener: Listener, *arguments: str | bytes, shell: str = "sh", **more: str
) -> subprocess.CompletedProcess[str]:
    settings = {"MILEPOST_URL": listener.url, "MILEPOST_SECRET": SECRET, **more}
    return subprocess.run(
        [*shell.split(), SH, *arguments],
        env={"PATH": "/usr/bin:/bin", **settings},
        encoding="utf-8",
        capture_output=True,
        check=False,
    )


def posted(listener: Listener, *arguments: str | bytes, **more: str) -> Post:
    done = run(listener, *arguments, **{**NUMBER, **more})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ENVELOPE.validate(listener.posts[-1].document) == {}
    return listener.posts[-1]


KEYS = [bytes(range(start, start + 64)) for start in range(0, 256, 64)]


@pytest.mark.parametrize("key", [*KEYS, b"\0" * 24, b"%" * 25, b"\\" * 32], ids=bytes.hex)
@pytest.mark.parametrize("shell", ["sh", "bash", "bash --posix"])
def test_any_key_signs(listener: Listener, key: bytes, shell: str):
    secret = f"whsec_{base64.b64encode(key).decode()}"
    post = posted(listener, "stage", "Harden", shell=shell, MILEPOST_SECRET=secret)
    Webhook(secret).verify(post.body, post.headers)


def test_first_secret_signs_and_needs_no_padding(listener: Listener):
    secrets = f"{SECRET.rstrip('=')}\n{OTHER_SECRET}"
    post = posted(listener, "stage", "Härten", MILEPOST_SECRET=secrets)
    Webhook(SECRET).verify(post.body, post.headers)


def test_bearer_secret_is_sent_in_the_header(listener: Listener):
    post = posted(listener, "stage", "Harden", MILEPOST_SECRET=BEARER)
    assert post.headers["authorization"] == "Bearer " + BEARER.removeprefix("bearer:")
    assert "webhook-signature" not in post.headers


@pytest.mark.parametrize("secret", [SECRET, BEARER], ids=["whsec", "bearer"])
def test_no_process_has_the_secret_in_its_arguments(
    listener: Listener, tmp_path: Path, secret: str
):
    for name in ("curl", "openssl", "od", "tr", "sed", "head", "date", "cat"):
        spy = tmp_path / name
        real = shutil.which(name, path="/usr/bin:/bin")
        spy.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >>"{tmp_path}/seen"\nexec {real} "$@"'
        )
        spy.chmod(0o755)
    posted(listener, "stage", "Harden", MILEPOST_SECRET=secret, PATH=f"{tmp_path}:/usr/bin:/bin")
    seen = (tmp_path / "seen").read_text()
    assert {"curl", "openssl"} <= {line.split()[0] for line in seen.splitlines() if line}
    key = SECRET.removeprefix("whsec_")
    for hidden in (key, base64.b64decode(key).hex(), BEARER.removeprefix("bearer:")):
        assert hidden not in seen


@pytest.mark.parametrize(
    "name",
    [
        'Quote " and \\ back\\slash',
        "%s %n $HOME `id` $(id)",
        "-n",
        "é ☃ 𝄞",
        "a/b & c | d; e",
        "\\n",
    ],
)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_name_arrives_unchanged(listener: Listener, name: str, shell: str):
    post = posted(listener, "stage", name, shell=shell, MILEPOST_PROJECT=name)
    assert post.document["events"][0]["stage"] == name
    assert post.document["build"]["project"] == name


def test_control_characters_become_blanks(listener: Listener):
    control = "".join(map(chr, range(1, 32)))
    post = posted(listener, "stage", f"a{control}b")
    assert post.document["events"][0]["stage"] == f"a{' ' * 31}b"


@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        (["stage", "x"], {"kind": "stage", "stage": "x", "status": "started"}),
        (["stage", "x", "0"], {"kind": "stage", "stage": "x", "status": "started", "state": 0}),
        (["stage", "x", "--state", "100"], {"state": 100}),
        (["done", "success"], {"kind": "build", "status": "completed"}),
        (["done", "--status", "UNSTABLE"], {"kind": "build", "status": "completed"}),
        (["done", "--status", "failed"], {"kind": "build", "status": "failed"}),
        (["done", "ABORTED"], {"kind": "build", "status": "cancelled"}),
        (["done", "canceled"], {"kind": "build", "status": "cancelled"}),
    ],
)
def test_each_command_sends_one_event(
    listener: Listener, arguments: list[str], event: dict[str, Any]
):
    post = posted(listener, *arguments)
    assert post.path == "/webhooks/milepost"
    assert event.items() <= post.document["events"][0].items()


def test_manifest_is_sent_unchanged(listener: Listener, tmp_path: Path):
    manifest = {"builds": [{"name": 'a"b\\', "files": None}], "last_run_uuid": "u"}
    (tmp_path / "m.json").write_text(json.dumps(manifest, indent=2) + "\n")
    post = posted(listener, "manifest", str(tmp_path / "m.json"))
    assert (post.document["manifest"], post.document["events"]) == (manifest, [])
    Webhook(SECRET).verify(post.body, post.headers)


def test_large_manifest_is_sent(listener: Listener, tmp_path: Path):
    (tmp_path / "m.json").write_text(json.dumps({"builds": [{}], "x": "y" * 1_000_000}))
    post = posted(listener, "manifest", str(tmp_path / "m.json"))
    Webhook(SECRET).verify(post.body, post.headers)


PACKER = packer("amazon-ebs", "rhel 9")
DIMENSIONS = {"MILEPOST_OS_VERSION": "rhel-8.8", "MILEPOST_PLATFORM": "aws gov"}
RERUN = {**GITHUB, "GITHUB_RUN_ATTEMPT": "2", "RUNNER_NAME": "GitHub Actions 4"}
SUBGROUP = {**GITLAB, "CI_PROJECT_PATH": "acme/sub/images", "CI_JOB_NAME": "golden: [rhel-9, é]"}
PULL_REQUEST = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}
PULL_REQUEST |= {"GITHUB_WORKFLOW": "Golden images", "GITHUB_HEAD_REF": "topic"}
MERGE_REQUEST = {**GITLAB, "CI_MERGE_REQUEST_IID": "3", "CI_DEFAULT_BRANCH": "trunk"}
LONG = {**JENKINS, "BUILD_URL": f"https://jenkins.example.com/{'é' * 480}{'x' * 3000}/"}
LONG_NUMBER = {**GITLAB, "CI_JOB_NAME": "x" * 300, "MILEPOST_PIPELINE": "é" * 501}


@pytest.mark.parametrize("inside", [{}, PACKER], ids=["", "packer"])
@pytest.mark.parametrize("dimensions", [{}, DIMENSIONS], ids=["", "dimensions"])
@pytest.mark.parametrize(
    "around",
    [
        RERUN,
        {**RERUN, "MILEPOST_CHECK_RUN_ID": "84211"},
        PULL_REQUEST,
        SUBGROUP,
        MERGE_REQUEST,
        JENKINS,
        LONG,
        PACKER,
        NUMBER,
        LONG_NUMBER,
    ],
    ids=[
        "github",
        "check-run",
        "pull-request",
        "gitlab",
        "merge-request",
        "jenkins",
        "long",
        "packer",
        "number",
        "long-number",
    ],
)
def test_identity_is_that_of_the_hook_in_python(
    listener: Listener,
    around: dict[str, str],
    dimensions: dict[str, str],
    inside: dict[str, str],
):
    env = {**around, **dimensions, **inside}
    done = run(listener, "stage", "x", **env)
    assert (done.returncode, done.stderr) == (0, "")
    values, document = identity.identity({}, env), listener.posts[-1].document
    assert document["build"]["number"] == values["build_number"].text
    assert document["build"]["platform"] == values["platform"].text
    assert document["run"]["key"] == values["run_key"].text
    assert str(document["run"]["attempt"] or "") == (values["attempt"].text or "")
    for name in ("url", "commit", "branch", "pipeline", "default_branch", "pull_request"):
        assert document["run"].get(name) == values[name].text
    names = document["build"].get("names", {})
    assert names == {place: name for place, name in identity.names(env).items() if name}


ASCII = {  # a number that was given before stays as it is
    "golden: [rhel-9, aws]": "acme.images-900-golden-rhel-9-aws",
    "build (rhel-9)": "acme.images-900-build-rhel-9",
    "a/b": "acme.images-900-a.b",
    "Build \u2013 rhel\u00b79": "acme.images-900-Build-rhel-9",
}
LETTERS = [
    *["构建", "测试", "建构", "Сборка", "Проверка", "Образы/Сборка", "Образы/Проверка", "🐧", "🪟"],
    *["é", "è", "build-構建", "build-测试", "构建 rhel-9", "rhel-9 构建", "a—é", "名" * 60],
]


def numbers_of(listener: Listener, job: str) -> list[str]:
    """Return the default number of a job by the shell hook, the hook in Python, and a route."""
    env = {**GITLAB, "CI_JOB_NAME": job}
    assert run(listener, "stage", "x", **env).stderr == ""
    by_hook = identity.identity({}, env)["build_number"].text or ""
    return [listener.posts[-1].document["build"]["number"], by_hook, slug(f"acme.images-900-{job}")]


@pytest.mark.parametrize(("job", "number"), ASCII.items())
def test_number_of_latin_letters_has_no_digest(listener: Listener, job: str, number: str):
    by_shell, by_hook, _ = numbers_of(listener, job)
    assert (by_shell, by_hook) == (number, number)


def test_other_letters_give_each_job_a_number(listener: Listener):
    found = [numbers_of(listener, job) for job in LETTERS]
    assert all(by_shell == by_hook for by_shell, by_hook, _ in found)
    assert all(len({number[-10:] for number in numbers}) == 1 for numbers in found)
    for numbers in zip(*found, strict=True):
        assert len(set(numbers)) == len(LETTERS)
        assert all(NUMBER_SHAPE.fullmatch(number) for number in numbers)


def test_url_may_name_the_sender(listener: Listener):
    url = f"{listener.url}/webhooks/milepost/team-a"
    assert posted(listener, "stage", "x", MILEPOST_URL=url).path == "/webhooks/milepost/team-a"
    assert posted(listener, "stage", "x", MILEPOST_URL=f"{listener.url}/").path[-9:] == "/milepost"


def test_every_try_has_the_same_id(listener: Listener):
    listener.statuses = [503, 202]
    posted(listener, "stage", "x")
    assert len(listener.posts) == 2
    assert len({post.headers["webhook-id"] for post in listener.posts}) == 1


@pytest.mark.parametrize("status", [301, 401, 422])
def test_refusal_is_one_line_and_exit_0_unless_strict(listener: Listener, status: int):
    listener.statuses = [status]
    done = run(listener, "stage", "x", **NUMBER)
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines), len(listener.posts)) == (0, 1, 1)
    assert lines[0].startswith("milepost: not reported: ")
    assert f"status {status}" in lines[0]
    assert run(listener, "stage", "x", **NUMBER, MILEPOST_STRICT="1").returncode == 1


def test_unreachable_receiver_is_one_line_and_exit_0(listener: Listener):
    done = run(listener, "stage", "x", **NUMBER, MILEPOST_URL="http://127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "no answer" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "line"),
    [
        (["stage", "x"], {}, "set MILEPOST_BUILD_NUMBER\n"),
        (["stage", "x"], {**NUMBER, "MILEPOST_SECRET": ""}, "set MILEPOST_SECRET\n"),
        (["stage", "x"], {"MILEPOST_URL": ""}, "set MILEPOST_URL MILEPOST_BUILD_NUMBER"),
        (
            ["stage", "x"],
            {**NUMBER, "MILEPOST_SECRET": "hunter2"},
            "MILEPOST_SECRET must be whsec_",
        ),
        (["stage"], NUMBER, "usage: "),
        (["stage", "x", "101"], NUMBER, "usage: "),
        (["stage", "x", "025"], NUMBER, "usage: "),
        (["stage", "x", "--state", "high"], NUMBER, "usage: "),
        (["done", "what"], NUMBER, "usage: "),
        (["party"], NUMBER, "usage: "),
        ([], NUMBER, "usage: "),
        (["manifest", "/nowhere/m.json"], NUMBER, "/nowhere/m.json holds no manifest"),
    ],
)
def test_mistake_is_one_line_and_exit_0_unless_strict(
    listener: Listener, arguments: list[str], settings: dict[str, str], line: str
):
    done = run(listener, *arguments, **settings)
    assert (done.returncode, done.stderr.count("\n"), listener.posts) == (0, 1, [])
    assert line in done.stderr
    assert "hunter2" not in done.stderr
    assert run(listener, *arguments, **settings, MILEPOST_STRICT="1").returncode == 1


def test_stage_under_the_wrapper_is_a_marker(listener: Listener):
    wrapped = {"MILEPOST_WRAPPED": "1"}
    marks = run(listener, "stage", "Harden \n OS", "--state", "25", **wrapped).stdout
    marks += run(listener, "stage", "Harden", **wrapped).stdout
    assert marks == "milepost: stage 25 Harden OS\nmilepost: stage - Harden\n"
    assert listener.posts == []


def test_file_is_executable_and_at_most_200_lines_long():
    assert len(SH.read_text().splitlines()) <= 200
    assert os.access(SH, os.X_OK)


def test_shellcheck_finds_nothing_in_any_script():
    assert shutil.which("shellcheck"), "install Debian's package shellcheck"
    scripts = [*(ROOT / "hooks").rglob("*.sh"), ROOT / "tests" / "support" / "system-packages.sh"]
    command = ["shellcheck", "-x", "-P", str(ROOT), *map(str, scripts)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_default_branch_is_in_githubs_event_file(listener: Listener, tmp_path: Path):
    event = {"ref": "x", "repository": {"default_branch": "trunk", "id": 1}}
    path = tmp_path / "event.json"
    for text in (json.dumps(event), json.dumps(event, indent=2)):
        path.write_text(text)
        env = {**GITHUB, "GITHUB_EVENT_PATH": str(path)}
        assert run(listener, "stage", "x", **env).stderr == ""
        assert listener.posts[-1].document["run"]["default_branch"] == "trunk"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (b"H\xe4rtung", "H?rtung"),
        (b"\xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80", None),
        ("é ☃ 𝄞".encode() + b"\xe2\x98", "é ☃ 𝄞?"),
    ],
)
def test_bytes_that_are_not_utf_8_are_replaced(listener: Listener, given: bytes, sent: str | None):
    post = posted(listener, "stage", given, MILEPOST_PROJECT=os.fsdecode(given))
    if sent:
        assert post.document["events"][0]["stage"] == post.document["build"]["project"] == sent


def test_end_of_a_job_prints_the_builds_address(listener: Listener):
    done = run(listener, "done", "success", **GITHUB)
    line = f"milepost: {listener.url}/builds/acme.images-500-image\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, line, "")
