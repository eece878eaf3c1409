"""What a reverse proxy says of a request, believed only from the proxies that are trusted.

https://werkzeug.palletsprojects.com/en/stable/middleware/proxy_fix/
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

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


class TrustedProxies:
    """A WSGI layer: address, scheme and host as the nearest proxy tells them, if it is trusted.

    From everybody else these headers, and the one that names a signed-in user, are removed.
    """

    def __init__(self, app: Any, networks: Sequence[Network], user_header: str | None) -> None:
        self._app = app
        self._fixed = ProxyFix(app, x_for=1, x_proto=1, x_host=1)
        self._networks = networks
        self._removed = [*FORWARDED, *([wsgi_name(user_header)] if user_header else [])]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass the request on, without what nobody may claim."""
        if is_trusted(environ.get("REMOTE_ADDR", ""), self._networks):
            answer: Iterable[bytes] = self._fixed(environ, start_response)
            return answer
        for name in self._removed:
            environ.pop(name, None)
        passed: Iterable[bytes] = self._app(environ, start_response)
        return passed


def is_trusted(address: str, networks: Sequence[Network]) -> bool:
    """Whether this peer is one of the trusted proxies."""
    try:
        found = ip_address(address)
    except ValueError:  # a Unix socket has no address
        return False
    return any(found in network for network in networks)


def wsgi_name(header: str) -> str:
    """`X-Forwarded-User` as WSGI has it."""
    return "HTTP_" + header.upper().replace("-", "_")
