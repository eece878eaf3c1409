"""The settings of a hook in the environment: where to post, and what a report needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from hooks.errors import HookError

BYTE_ORDER_MARKS = ("\ufeff", "\u00ef\u00bb\u00bf", "\udcef\udcbb\udcbf")  # as locales decode it
REQUIRED = ("MILEPOST_URL", "MILEPOST_SECRET")

Env = Mapping[str, str]


def setting(env: Env, name: str) -> str:
    """Return a variable without blanks and byte order mark, as editors on Windows write it."""
    text = env.get(name, "").strip()
    mark = next((each for each in BYTE_ORDER_MARKS if text.startswith(each)), "")
    return text[len(mark) :].strip()


def demand(env: Env, more: Sequence[str] = ()) -> None:
    """Raise HookError with each setting that is missing, `more` among them."""
    names = [name for name in REQUIRED if not setting(env, name)] + [*more]
    if names:
        listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        raise HookError(f"not reporting: set {listed}")


def address(env: Env) -> str:
    """Return the URL to post to: MILEPOST_URL, with the default route if it has none.

    The receiver may be below a path. Raises HookError without a scheme and a host.
    """
    base = setting(env, "MILEPOST_URL").rstrip("/")
    if not base:
        raise HookError("not reporting: set MILEPOST_URL")
    _check(base)
    return base if "/webhooks/" in base else f"{base}/webhooks/milepost"


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:  # such as a port that is no number
        is_usable = False
    if not is_usable:
        raise HookError(
            "not reporting: MILEPOST_URL must be an address as https://milepost.example.com, "
            "with http:// or https:// before the host"
        )


def base_address(env: Env) -> str:
    """Return the receiver's own address, without the route. Raises HookError."""
    return address(env).partition("/webhooks/")[0]


def place(url: str) -> str:
    """Return host and port of a URL, without user and password."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or {'https': 443}.get(parts.scheme, 80)}"
