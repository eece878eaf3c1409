"""What proxies say: believed from those that are trusted, and from nobody else."""

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


def asked(client: FlaskClient, peer: str, path: str = "/builds", **headers: str):
    return client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": peer})


@pytest.mark.parametrize("peer", ["10.0.0.5", "172.30.9.9", "fd00::1"])
def test_a_trusted_proxys_user_may_in(behind: FlaskClient, peer: str):
    assert asked(behind, peer).status_code == 401
    assert asked(behind, peer, **{"X-Forwarded-User": "ann"}).status_code == 200


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1", "", "no address", "::1"])
def test_nobody_else_names_a_user(behind: FlaskClient, peer: str):
    for name in ("X-Forwarded-User", "X_Forwarded_User"):
        assert asked(behind, peer, **{name: "ann"}).status_code == 401


def test_a_user_does_what_the_setting_allows(behind: FlaskClient):
    some = "/deliveries/00000000-0000-0000-0000-000000000000/body"
    user = {"X-Forwarded-User": "ann"}
    assert asked(behind, "10.0.0.5", some, **user).status_code == 403


@pytest.mark.parametrize(("peer", "is_told"), [("10.0.0.5", True), ("10.0.0.6", False)])
def test_scheme_and_host_are_the_proxys_to_tell(behind: FlaskClient, peer: str, is_told: bool):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "milepost.example.com"}
    answer = asked(behind, peer, "/setup", **headers, **{"X-Forwarded-User": "ann"})
    assert ("Strict-Transport-Security" in answer.headers) is is_told
    if is_told:
        assert "https://milepost.example.com/webhooks/milepost" in answer.text


def test_an_address_is_in_a_network_or_not():
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
        ({**SSO, "MILEPOST_USER_SCOPE": "root"}, "must be one of read, write, admin"),
    ],
)
def test_a_mistake_is_named(env: dict[str, str], problem: str):
    with pytest.raises(ConfigError) as caught:
        load(env)
    assert problem in str(caught.value)
