"""By which names this receiver may be asked; pure.

A page of another site could point its own name at a receiver that only its reader reaches (DNS
rebinding), and links made of a forged name would lead away. An address, or a name without a dot,
is nobody else's.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)


def is_trusted(host: str | None, names: Collection[str]) -> bool:
    """Whether a `Host` header names this receiver; a request without one asks no name."""
    if host is None:
        return True
    found = _HOST.fullmatch(host)
    if not found:
        return False
    name = found["name"].lower().rstrip(".")
    return "." not in name or name.endswith(".localhost") or name in names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
