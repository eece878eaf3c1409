"""How often a hook tries to send, how it proves itself, and what it says when nobody listens."""

import base64
import json
import socket
from pathlib import Path

import pytest
import requests
import responses
from standardwebhooks import Webhook

from hooks import __version__, client, identity, signing
from hooks.__main__ import main
from hooks.client import Deadline
from hooks.errors import HookError
from tests.support.hook_calls import (
    ROUTE,
    SETTINGS,
    URL,
    Watch,
    exit_code,
    receiver,
    settings_of_the_hook,
    takes,
)
from tests.support.senders import BEARER, OTHER_SECRET, SECRET

__all__ = ["receiver", "settings_of_the_hook"]  # fixtures
DOCUMENT = client.envelope(
    identity.identity({}, SETTINGS), [{"kind": "heartbeat", "at": client.now()}]
)


def sent_headers(receiver: responses.RequestsMock, name: str) -> list[str | None]:
    return [call.request.headers.get(name) for call in receiver.calls]


def test_a_delivery_is_signed_with_the_first_secret(
    receiver: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MILEPOST_SECRET", f"{SECRET}\n{OTHER_SECRET}\n")
    takes(receiver)
    main(["stage", "Härten"])
    request = receiver.calls[0].request
    Webhook(SECRET).verify(request.body or b"", dict(request.headers))
    assert request.headers["user-agent"] == f"milepost-hook/{__version__}"
    assert request.headers["content-type"] == "application/json"


def test_a_bearer_secret_goes_into_the_header_whatever_netrc_says(
    receiver: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MILEPOST_SECRET", BEARER)
    takes(receiver)
    main(["stage", "Harden"])
    headers = receiver.calls[0].request.headers
    assert headers["authorization"] == "Bearer " + BEARER.removeprefix("bearer:")
    assert "webhook-signature" not in headers


@pytest.mark.parametrize(
    ("url", "route"),
    [
        (f"{URL}/", ROUTE),
        (f"{URL}/milepost", f"{URL}/milepost/webhooks/milepost"),
        (f"{ROUTE}/team-a", f"{ROUTE}/team-a"),
        (f" {ROUTE}/ ", ROUTE),
    ],
)
def test_the_url_may_name_the_sender(url: str, route: str):
    assert client.address({"MILEPOST_URL": url}) == route


def test_one_id_and_a_fresh_signature_over_all_tries(receiver: responses.RequestsMock):
    receiver.add(responses.POST, ROUTE, body=requests.ConnectionError())
    receiver.add(responses.POST, ROUTE, status=503)
    takes(receiver)
    watch = Watch()
    answer = client.send(DOCUMENT, SETTINGS, Deadline(clock=watch.clock))
    assert answer == {"outcome": "stored"}
    assert watch.slept == [0.5, 1.0]
    assert len(set(sent_headers(receiver, "webhook-id"))) == 1
    times = sent_headers(receiver, "webhook-timestamp")
    assert times == ["1800000000", "1800000000", "1800000001"]
    assert len(set(sent_headers(receiver, "webhook-signature"))) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_tries_end_with_the_budget(receiver: responses.RequestsMock, status: int):
    receiver.add(responses.POST, ROUTE, status=status)
    watch = Watch()
    with pytest.raises(HookError, match=f"not reported: the receiver answers {status}"):
        client.send(DOCUMENT, SETTINGS, Deadline(clock=watch.clock))
    assert len(receiver.calls) == 5
    assert sum(watch.slept) < 10


@pytest.mark.parametrize(("wait", "slept"), [("3", [3.0]), ("60", []), ("soon", [0.5])])
def test_retry_after_is_kept_within_the_budget(
    receiver: responses.RequestsMock, wait: str, slept: list[float]
):
    receiver.add(responses.POST, ROUTE, status=503, headers={"Retry-After": wait})
    takes(receiver)
    watch = Watch()
    try:
        client.send(DOCUMENT, SETTINGS, Deadline(clock=watch.clock))
    except HookError:
        assert slept == []
    assert watch.slept == slept


def test_a_silent_receiver_costs_the_budget_and_no_more():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {**SETTINGS, "MILEPOST_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with pytest.raises(HookError, match="not reported: no answer"):
            client.send(DOCUMENT, env, Deadline(0.2))


@pytest.mark.parametrize("status", [400, 401, 404, 409, 413, 422])
def test_what_is_refused_for_good_is_not_tried_again(
    receiver: responses.RequestsMock, capsys: pytest.CaptureFixture[str], status: int
):
    problem = {"detail": "Invalid delivery", "errors": {"build.number": ["Too long"]}}
    receiver.add(responses.POST, ROUTE, json=problem, status=status)
    assert exit_code(["stage", "Harden"]) == 0
    assert len(receiver.calls) == 1
    line = f"milepost: not reported: the receiver answers {status} Invalid delivery"
    assert capsys.readouterr().err == f"{line} build.number: Too long\n"


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_has_taken_nothing_and_is_not_followed(
    receiver: responses.RequestsMock, status: int
):
    receiver.add(responses.POST, ROUTE, status=status, headers={"Location": "https://x.example"})
    with pytest.raises(HookError, match=f"not reported: the receiver answers {status}"):
        client.send(DOCUMENT, SETTINGS)
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b'{"errors": 5, "detail": null}'])
def test_any_answer_is_one_line(
    receiver: responses.RequestsMock, capsys: pytest.CaptureFixture[str], body: bytes
):
    receiver.add(responses.POST, ROUTE, body=body, status=400)
    assert exit_code(["stage", "Harden"]) == 0
    assert capsys.readouterr().err == "milepost: not reported: the receiver answers 400\n"


@pytest.mark.parametrize("url", ["milepost.example.com", "ftp://x", "http://", "http://[::1"])
def test_a_wrong_url_is_not_tried_again(url: str, monkeypatch: pytest.MonkeyPatch):
    watch = Watch()
    with pytest.raises((HookError, ValueError)):
        client.send(DOCUMENT, {**SETTINGS, "MILEPOST_URL": url}, Deadline(clock=watch.clock))
    assert watch.slept == []
    monkeypatch.setenv("MILEPOST_URL", url)
    assert exit_code(["stage", "x"]) == 0


def test_what_is_too_large_is_not_sent(receiver: responses.RequestsMock, tmp_path: Path):
    takes(receiver)
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"builds": ["x" * client.MAX_BODY]}))
    assert exit_code(["manifest", str(path), "--strict"]) == 1
    assert len(receiver.calls) == 0


@pytest.mark.parametrize("padding", ["", "=", "=="])
def test_a_secret_may_lack_its_padding(padding: str):
    key = base64.b64encode(b"a test secret of 31 bytes, no m").decode().rstrip("=")
    secret = signing.secret_of({"MILEPOST_SECRET": f"whsec_{key}{padding}"})
    headers = signing.sign(secret, "msg_1", 1_800_000_000, b"{}")
    assert headers == signing.sign(f"whsec_{key}=", "msg_1", 1_800_000_000, b"{}")
