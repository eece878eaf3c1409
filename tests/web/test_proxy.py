"""Headers of proxies are used from trusted proxies alone."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest
from flask.testing import FlaskClient

from receiver.config import Config, load
from receiver.errors import ConfigError
from receiver.web.proxy import is_trusted_proxy

Serve = Callable[[Config], FlaskClient]
SSO = {
    "MILEPOST_TRUSTED_PROXIES": "10.0.0.5, 172.30.0.0/16, fd00::/8",
    "MILEPOST_USER_HEADER": "X-Forwarded-User",
    "MILEPOST_USER_SCOPE": "write",
    "MILEPOST_EXTERNAL_URL": "https://milepost.example.com",
}


@pytest.fixture
def behind(serve: Serve, config: Config) -> FlaskClient:
    known = load(SSO)
    names = ("trusted_proxies", "user_header", "user_scope", "external_url")
    return serve(
        replace(config, public_read=False, **{name: getattr(known, name) for name in names})
    )


def get_from(client: FlaskClient, peer: str, path: str = "/builds", **headers: str):
    return client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": peer})


@pytest.mark.parametrize("peer", ["10.0.0.5", "172.30.9.9", "fd00::1"])
def test_user_of_a_trusted_proxy_is_signed_in(behind: FlaskClient, peer: str):
    assert get_from(behind, peer).status_code == 401
    assert get_from(behind, peer, **{"X-Forwarded-User": "ann"}).status_code == 200


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1", "", "no address", "::1"])
def test_user_header_of_another_peer_is_ignored(behind: FlaskClient, peer: str):
    for name in ("X-Forwarded-User", "X_Forwarded_User"):
        assert get_from(behind, peer, **{name: "ann"}).status_code == 401


def test_user_has_the_scope_of_the_setting(behind: FlaskClient):
    some = "/deliveries/00000000-0000-0000-0000-000000000000/body"
    user = {"X-Forwarded-User": "ann"}
    assert get_from(behind, "10.0.0.5", some, **user).status_code == 403


@pytest.mark.parametrize(("peer", "is_used"), [("10.0.0.5", True), ("10.0.0.6", False)])
def test_scheme_and_host_come_from_a_trusted_proxy_alone(
    behind: FlaskClient, peer: str, is_used: bool
):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "milepost.example.com"}
    answer = get_from(behind, peer, "/setup", **headers, **{"X-Forwarded-User": "ann"})
    assert ("Strict-Transport-Security" in answer.headers) is is_used
    if is_used:
        assert "https://milepost.example.com/webhooks/milepost" in answer.text


def test_proxy_is_trusted_by_its_network():
    networks = [ip_network("10.0.0.0/8")]
    assert is_trusted_proxy("10.1.2.3", networks)
    assert not is_trusted_proxy("11.1.2.3", networks)
    assert not is_trusted_proxy("10.1.2.3", [])


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"MILEPOST_TRUSTED_PROXIES": "proxy"}, "proxy must be as 10.0.0.1"),
        ({"MILEPOST_TRUSTED_PROXIES": "10.0.0.1/8"}, "must be as 10.0.0.1"),
        ({"MILEPOST_USER_HEADER": "X-User"}, "needs MILEPOST_TRUSTED_PROXIES"),
        ({**SSO, "MILEPOST_USER_HEADER": "X User"}, "must be a header's name"),
        ({**SSO, "MILEPOST_USER_SCOPE": "root"}, "must be one of read, write, promote, admin"),
    ],
)
def test_a_mistake_is_named(env: dict[str, str], problem: str):
    with pytest.raises(ConfigError) as caught:
        load(env)
    assert problem in str(caught.value)
