"""The client of the hooks: retries, signatures, and a receiver that refuses or is silent."""

import base64
import json
import socket
from pathlib import Path

import pytest
import requests
import responses
from standardwebhooks import Webhook

from hooks import __version__, client, identity, settings, signing
from hooks.__main__ import main
from hooks.client import Deadline
from hooks.errors import HookError
from tests.support.hook_calls import (
    RECEIPT,
    ROUTE,
    SETTINGS,
    URL,
    FakeClock,
    accept,
    exit_code,
    refuse,
)
from tests.support.senders import BEARER, OTHER_SECRET, SECRET

pytestmark = pytest.mark.usefixtures("hook_settings")

DOCUMENT = client.envelope(
    identity.identity({}, SETTINGS), [{"kind": "heartbeat", "at": client.now()}]
)


def sent_headers(mock: responses.RequestsMock, name: str) -> list[str | None]:
    return [call.request.headers.get(name) for call in mock.calls]


def test_delivery_is_signed_with_the_first_secret(
    mock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MILEPOST_SECRET", f"{SECRET}\n{OTHER_SECRET}\n")
    accept(mock)
    main(["stage", "Härten"])
    request = mock.calls[0].request
    Webhook(SECRET).verify(request.body or b"", dict(request.headers))
    assert request.headers["user-agent"] == f"milepost-hook/{__version__}"
    assert request.headers["content-type"] == "application/json"


def test_bearer_secret_is_sent_in_the_header_and_netrc_is_not_used(
    mock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MILEPOST_SECRET", BEARER)
    accept(mock)
    main(["stage", "Harden"])
    headers = mock.calls[0].request.headers
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
def test_url_may_name_the_sender(url: str, route: str):
    assert settings.address({"MILEPOST_URL": url}) == route


def test_every_try_has_the_same_id_and_a_new_signature(mock: responses.RequestsMock):
    mock.add(responses.POST, ROUTE, body=requests.ConnectionError())
    mock.add(responses.POST, ROUTE, status=503)
    accept(mock)
    fake = FakeClock()
    answer = client.send(DOCUMENT, SETTINGS, Deadline(clock=fake.clock))
    assert answer == RECEIPT
    assert fake.pauses == [0.5, 1.0]
    assert len(set(sent_headers(mock, "webhook-id"))) == 1
    times = sent_headers(mock, "webhook-timestamp")
    assert times == ["1800000000", "1800000000", "1800000001"]
    assert len(set(sent_headers(mock, "webhook-signature"))) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_retries_end_within_the_budget(mock: responses.RequestsMock, status: int):
    refuse(mock, status)
    fake = FakeClock()
    with pytest.raises(HookError, match=f"not reported: the receiver answers {status}"):
        client.send(DOCUMENT, SETTINGS, Deadline(clock=fake.clock))
    assert len(mock.calls) == 5
    assert sum(fake.pauses) < 10


@pytest.mark.parametrize(("retry_after", "pauses"), [("3", [3.0]), ("60", []), ("soon", [0.5])])
def test_retry_after_is_obeyed_within_the_budget(
    mock: responses.RequestsMock, retry_after: str, pauses: list[float]
):
    mock.add(responses.POST, ROUTE, status=503, headers={"Retry-After": retry_after})
    accept(mock)
    fake = FakeClock()
    try:
        client.send(DOCUMENT, SETTINGS, Deadline(clock=fake.clock))
    except HookError:
        assert pauses == []
    assert fake.pauses == pauses


def test_silent_receiver_ends_the_call_at_its_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {**SETTINGS, "MILEPOST_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with pytest.raises(HookError, match="not reported: no answer"):
            client.send(DOCUMENT, env, Deadline(0.2))


def test_a_try_that_the_end_of_the_time_cuts_off_hides_no_problem_of_the_one_before():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # refuses connections until it listens, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        clock = client.Clock(sleep=lambda _: silent.listen())
        with pytest.raises(HookError, match=r"not reported: .*: connection refused"):
            client.send(DOCUMENT, SETTINGS | {"MILEPOST_URL": url}, Deadline(1.5, clock))


@pytest.mark.parametrize("status", [400, 401, 404, 409, 413, 422])
def test_permanent_refusal_is_not_retried(
    mock: responses.RequestsMock, capsys: pytest.CaptureFixture[str], status: int
):
    refuse(mock, status, detail="Invalid delivery", errors={"build.number": ["Too long"]})
    assert exit_code(["stage", "Harden"]) == 0
    assert len(mock.calls) == 1
    line = f"milepost: not reported: the receiver answers {status} Invalid delivery"
    assert capsys.readouterr().err == f"{line} build.number: Too long\n"


@pytest.mark.parametrize("status", [301, 307])
def test_redirect_is_an_error_that_names_the_target_and_is_not_followed(
    mock: responses.RequestsMock, status: int
):
    mock.add(responses.POST, ROUTE, status=status, headers={"Location": "https://x.example"})
    with pytest.raises(HookError, match=r"redirects to https://x\.example: correct MILEPOST_URL"):
        client.send(DOCUMENT, SETTINGS)
    assert len(mock.calls) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b'{"errors": 5, "detail": null}'])
@pytest.mark.parametrize("status", [200, 400])
def test_answer_that_is_not_a_receivers_is_one_line_and_no_receipt(
    mock: responses.RequestsMock, capsys: pytest.CaptureFixture[str], body: bytes, status: int
):
    mock.add(responses.POST, ROUTE, body=body, status=status)
    assert exit_code(["stage", "Harden"]) == 0
    error = capsys.readouterr().err
    assert f"milepost.example.com:443 answers {status}, but not as a receiver does" in error
    assert error.count("\n") == 1


def test_refusal_with_unreadable_errors_is_one_line(
    mock: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
):
    refuse(mock, 400, errors=5, detail=None)
    assert exit_code(["stage", "Harden"]) == 0
    assert capsys.readouterr().err == "milepost: not reported: the receiver answers 400\n"


@pytest.mark.parametrize("url", ["milepost.example.com", "ftp://x", "http://", "http://[::1"])
def test_invalid_url_is_not_retried(url: str, monkeypatch: pytest.MonkeyPatch):
    fake = FakeClock()
    with pytest.raises(HookError, match="http:// or https:// before the host"):
        client.send(DOCUMENT, {**SETTINGS, "MILEPOST_URL": url}, Deadline(clock=fake.clock))
    assert fake.pauses == []
    monkeypatch.setenv("MILEPOST_URL", url)
    assert exit_code(["stage", "x"]) == 0


def test_envelope_over_the_size_limit_is_not_sent(mock: responses.RequestsMock, tmp_path: Path):
    accept(mock)
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"builds": ["x" * client.MAX_BODY]}))
    assert exit_code(["manifest", str(path), "--strict"]) == 1
    assert len(mock.calls) == 0


@pytest.mark.parametrize("padding", ["", "=", "=="])
def test_secret_without_its_padding_signs_the_same(padding: str):
    key = base64.b64encode(b"a test secret of 31 bytes, no m").decode().rstrip("=")
    secret = signing.secret_of({"MILEPOST_SECRET": f"whsec_{key}{padding}"})
    headers = signing.sign(secret, "msg_1", 1_800_000_000, b"{}")
    assert headers == signing.sign(f"whsec_{key}=", "msg_1", 1_800_000_000, b"{}")
