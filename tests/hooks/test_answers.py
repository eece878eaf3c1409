"""What comes back: receipts, refusals, the answers of others, and those of an older receiver."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from hooks.answers import outcome, without_unknown
from hooks.client import Deadline
from hooks.errors import DeliveryPending
from hooks.outbox import deliver
from receiver.sources import milepost
from tests.support.ci_variables import GITHUB
from tests.support.listeners import Listener, Page, receivers
from tests.support.senders import envelope, sign, stage
from tests.support.shell_hook import run as run_shell
from tests.support.spools import clock, fill_spool, hook, settings, spooled, stages

SIGN_IN = Page(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})
FOREIGN = [
    SIGN_IN,
    Page(200, b'{"status": "ok"}', {"Content-Type": "application/json"}),
    Page(301, b"", {"Location": "https://milepost.example.com/webhooks/milepost"}),
    Page(401, b"<html>", {}),
    Page(403, b"<html>Blocked</html>", {}),
    Page(404, b"404 page not found\n", {"Content-Type": "text/plain"}),
    Page(404, b'{"code": 404}', {"Content-Type": "application/json"}),
    Page(407, b"", {"Proxy-Authenticate": "NTLM"}),
    Page(413, b"<html>Too large</html>", {}),
    Page(521, b"", {}),
]


@pytest.mark.parametrize("page", FOREIGN, ids=lambda page: f"{page.status} {page.body[:9]!r}")
def test_answer_of_something_else_keeps_the_report_and_a_receiver_gets_it_later(
    spool_folder: Path, listener: Listener, page: Page
):
    listener.statuses = [page, 202]
    env = settings(spool_folder, listener.url)
    done = hook(env, "stage", "x")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "not reported yet: " in done.stderr
    assert "MILEPOST_URL" in done.stderr
    assert len(spooled(spool_folder)) == 1
    assert hook(env, "flush").stdout == "sent 1, kept 0, set aside 0\n"


@pytest.mark.parametrize("page", FOREIGN, ids=lambda page: f"{page.status} {page.body[:9]!r}")
def test_shell_hook_takes_nothing_else_for_a_receipt(listener: Listener, page: Page):
    listener.statuses = [page]
    done = run_shell(listener, "stage", "x", MILEPOST_BUILD_NUMBER="b", MILEPOST_STRICT="1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"not reported: status {page.status}" in done.stderr


def test_report_that_something_blocks_goes_behind_the_others_after_five_answers(
    spool_folder: Path, listener: Listener
):
    listener.statuses = [SIGN_IN]
    env = settings(spool_folder, listener.url)
    for number in range(5):
        with pytest.raises(DeliveryPending):
            deliver(envelope(stage("first")), env, Deadline(clock=clock(later=100 * number)))
    listener.statuses, listener.posts = [202], []
    deliver(envelope(stage("last")), env, Deadline(clock=clock(later=1000)))
    assert stages(listener) == ["first"] * 4 + ["last", "first"]


def test_report_is_dropped_after_a_week_of_foreign_answers(spool_folder: Path, listener: Listener):
    listener.statuses = [SIGN_IN]
    fill_spool(spool_folder, "old", url=listener.url)
    listener.statuses, listener.posts = [202], []
    env = settings(spool_folder, listener.url)
    deliver(envelope(stage("new")), env, Deadline(clock=clock(later=7 * 86400 + 60)))
    assert stages(listener) == ["new"]


@pytest.mark.parametrize(("later", "words"), [(-600, "behind"), (900, "ahead of")])
def test_wrong_clock_is_named_and_the_report_is_kept(
    spool_folder: Path, listener: Listener, later: int, words: str
):
    problem = receivers(401)
    date = formatdate(clock().wall(), usegmt=True)
    listener.statuses = [problem._replace(headers={**problem.headers, "Date": date}), 202]
    env = settings(spool_folder, listener.url)
    with pytest.raises(DeliveryPending, match=rf"clock is \d+ s {words} the receiver's"):
        deliver(envelope(stage("x")), env, Deadline(clock=clock(later=later)))
    assert hook(env, "flush").stdout == "sent 1, kept 0, set aside 0\n"


def test_flush_sends_what_was_set_aside(spool_folder: Path, listener: Listener):
    listener.statuses = [401, 202]
    env = settings(spool_folder, listener.url)
    assert "not reported: the receiver answers 401" in hook(env, "stage", "x").stderr
    assert hook(env, "flush").stdout == "sent 0, kept 0, set aside 0\n"
    assert hook(env, "flush", "--refused").stdout == "sent 1, kept 0, set aside 0\n"
    assert stages(listener) == ["x", "x"]


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an application of this process; its bodies end, as gunicorn's do."""

    def bounded(environ: dict[str, Any], start: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return app({**environ, "wsgi.input": BytesIO(body)}, start)

    server = make_server("127.0.0.1", 0, bounded, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def older(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A receiver whose schema has none of the newer fields and kinds."""
    for name in ("pipeline", "default_branch", "pull_request"):
        monkeypatch.delitem(milepost.RUN.parts, name)
    monkeypatch.delitem(milepost.BUILD.parts, "names")
    monkeypatch.delitem(milepost.EVENT.parts, "word")
    with serving(client.application) as url:
        yield url


def test_each_2xx_of_a_receiver_is_a_receipt(client: FlaskClient):
    beat = {"kind": "heartbeat", "at": "2026-01-01T10:00:00Z"}
    kinds = [envelope(stage("x")), envelope(beat), envelope(beat, number="nothing-else")]
    bodies = [json.dumps(document).encode() for document in kinds]
    for body in [*bodies, bodies[0]]:
        headers = sign(body, message_id=f"msg_{len(body)}")
        answer = client.post(
            "/webhooks/milepost", data=body, headers=headers, content_type="application/json"
        )
        assert answer.status_code // 100 == 2
        assert outcome(answer.status_code, answer.data, {}, "host", None).answer is not None


PULL_REQUEST = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}


@pytest.mark.parametrize("kind", ["python", "sh"])
def test_newer_hook_serves_an_older_receiver(
    older: str, client: FlaskClient, spool_folder: Path, listener: Listener, kind: str
):
    env = {**GITHUB, **PULL_REQUEST, **settings(spool_folder, older)}
    if kind == "python":
        done = hook(env, "stage", "Storage")
    else:
        listener.url = older
        done = run_shell(listener, "stage", "Storage", **env)
    assert (done.returncode, done.stderr) == (0, "")
    build = client.get("/api/v1/builds/b-1").get_json()
    assert [row["stage"] for row in build["states"]] == ["Storage"]


def report_unchanged(kind: str, folder: Path, listener: Listener, url: str) -> None:
    env = {**GITHUB, **settings(folder, url)}
    listener.url = url
    words = ("done", "--status", "unchanged")
    done = hook(env, *words) if kind == "python" else run_shell(listener, *words, **env)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["python", "sh"])
def test_build_that_had_nothing_to_do_is_reported(
    client: FlaskClient, spool_folder: Path, listener: Listener, kind: str
):
    with serving(client.application) as url:
        report_unchanged(kind, spool_folder, listener, url)
    build = client.get("/api/v1/builds/b-1").get_json()
    assert (build["status"], build["unchanged"]) == ("completed", True)


@pytest.mark.parametrize("kind", ["python", "sh"])
def test_older_receiver_takes_a_build_that_had_nothing_to_do_as_completed(
    older: str, client: FlaskClient, spool_folder: Path, listener: Listener, kind: str
):
    report_unchanged(kind, spool_folder, listener, older)
    build = client.get("/api/v1/builds/b-1").get_json()
    assert (build["status"], build["unchanged"]) == ("completed", False)


def test_event_of_an_unknown_kind_is_left_out(older: str, client: FlaskClient, spool_folder: Path):
    newer = {"kind": "approval", "at": "2026-01-01T10:00:00Z", "step": 1}
    document = envelope(stage("Storage"), newer, run_more={"color": "blue"})
    deliver(document, settings(spool_folder, older))
    build = client.get("/api/v1/builds/core-1").get_json()
    assert [row["stage"] for row in build["states"]] == ["Storage"]
    assert spooled(spool_folder) == []


@pytest.mark.parametrize(
    "errors",
    [
        {},
        5,
        {"run.key": ["Missing data for required field."]},
        {"run.color": ["Unknown field."], "build.number": ["Too long."]},
        {"nothing.here": ["Unknown field."]},
        {"events.0.kind": ["Must be one of: build."]},  # nothing is left to say
        {"events.7.kind.x": ["Must be one of: build."]},
    ],
)
def test_any_other_refusal_stays_one(errors: Any):
    document = envelope({"kind": "new"}, run_more={"color": "blue"})
    before = json.dumps(document)
    assert without_unknown(document, errors) is None
    assert json.dumps(document) == before
