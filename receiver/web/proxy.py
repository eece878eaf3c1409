"""Reverse proxies whose headers are trusted, and the host names that this receiver answers to.

https://werkzeug.palletsprojects.com/en/stable/middleware/proxy_fix/
"""

import re
from collections.abc import Collection, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

from receiver.errors import WrongHost

Network = IPv4Network | IPv6Network
FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
    "HTTP_X_REQUEST_ID",
)
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)


class TrustedProxies:
    """A WSGI layer that takes address, scheme and host from the nearest proxy, if it is trusted.

    From everybody else these headers, and `headers`, which name a signed-in user and their groups,
    are removed.
    """

    def __init__(self, app: Any, networks: Sequence[Network], *headers: str | None) -> None:
        self._app = app
        self._fixed = ProxyFix(app, x_for=1, x_proto=1, x_host=1)
        self._networks = networks
        self._removed = [*FORWARDED, *(_wsgi_name(each) for each in headers if each)]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass the request on, without the headers that only a trusted proxy may set."""
        app = self._fixed
        if not is_trusted_proxy(environ.get("REMOTE_ADDR", ""), self._networks):
            app = self._app
            for name in self._removed:
                environ.pop(name, None)
        response: Iterable[bytes] = app(environ, start_response)
        return response


def is_trusted_proxy(address: str, networks: Sequence[Network]) -> bool:
    """Return whether this peer is one of the trusted proxies."""
    peer = _address(address) if networks else None
    return peer is not None and any(peer in network for network in networks)


def check_host(names: Collection[str]) -> None:
    """Raise WrongHost where this request's `Host` header does not name this receiver."""
    if not is_own_host(request.headers.get("Host"), names):
        raise WrongHost


def is_own_host(host: str | None, names: Collection[str]) -> bool:
    """Return whether a `Host` header names this receiver; a request without one may pass.

    A page of another site could point its own name at a receiver that only its reader reaches (DNS
    rebinding), and links made of a forged name would lead away. An address, or a name without a
    dot, belongs to no other site.
    """
    if host is None:
        return True
    match = _HOST.fullmatch(host)
    if not match:
        return False
    name = match["name"].lower().rstrip(".")
    is_local = "." not in name or name.endswith(".localhost")
    return is_local or name in names or _address(name.strip("[]")) is not None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:  # a Unix socket has no address
        return None


def _wsgi_name(header: str) -> str:
    """Return `X-Forwarded-User` as `HTTP_X_FORWARDED_USER`."""
    return "HTTP_" + header.upper().replace("-", "_")
