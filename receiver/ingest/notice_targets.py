"""Where notices go: web addresses of programs, and the addresses of chat and mail services.

Chat and mail go through Apprise (https://appriseit.com/services/), which is loaded only where a
notice has such an address. An address holds secrets: it is never shown, logged or stored.
"""

import logging
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from receiver.domain.notices.notice import WEB, Target

SERVICE_SECONDS = 20.0  # for one message
NEEDS_APPRISE = "needs Apprise: install Milepost with its extra notices, milepost[notices]"
# Microsoft ended these connectors, and Apprise 2 no longer has them:
# https://devblogs.microsoft.com/microsoft365dev/retirement-of-office-365-connectors-within-microsoft-teams/
NO_MORE = {"msteams": "Microsoft ended these connectors: make a workflow, and write workflows://…"}


def read_target(address: str) -> Target:
    """Return the target of an address. Raises ValueError with the problem, without the address."""
    kind = address.partition("://")[0].lower() if "://" in address else ""
    if not kind or not address.isprintable() or " " in address:
        raise ValueError("must be an address such as slack://… or https://…")
    if kind in NO_MORE:
        raise ValueError(f"is a {kind}:// address: {NO_MORE[kind]}")
    if kind in WEB:
        _check_web(kind, address)
    elif service(address) is None:
        raise ValueError(f"is no {kind}:// address that Apprise understands")
    return Target(kind, address)


def service(address: str) -> Any:
    """Return Apprise's service of an address, None where it knows none.

    It follows no redirects, keeps nothing on disk and logs nothing. Raises ValueError where Apprise
    is not installed.
    """
    try:
        import apprise
    except ImportError:
        raise ValueError(NEEDS_APPRISE) from None
    silence()
    asset = apprise.AppriseAsset(
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        http_redirects=False,
        async_mode=False,
        app_id="Milepost",
        app_desc="Milepost",
        app_url="",
        image_url_mask="",  # no picture from elsewhere
        image_url_logo="",
        service_timeout=SERVICE_SECONDS,
    )
    found = apprise.Apprise.instantiate(address, asset=asset)
    if found is not None:
        found.redirects = False  # whatever the address says
    if found is not None and "overflow=" not in address:
        found.overflow_mode = apprise.OverflowMode.TRUNCATE  # else a long text is refused
    return found


def silence() -> None:
    """Keep the log lines of the libraries that send out of ours: some quote an address."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.WARNING)  # those above are captured, for the reason of a failure
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # below, it writes each path


def _check_web(kind: str, address: str) -> None:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise ValueError("must be as https://host/path")
    if kind == "http" and not is_loopback(host):
        raise ValueError("is http://: write https://, for only loopback addresses may do without")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: localhost, or an address such as 127.0.0.1."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
