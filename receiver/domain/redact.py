"""What must not be shown: values under keys that look secret, and what looks so in a text; pure.

Facts are kept as their sender said them; this is for those who look and are not administrators.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

MASK = "***"

_NAMES = (
    r"passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key"
    r"|account[_-]?key|private[_-]?key"
)
_KEY = re.compile(rf"{_NAMES}|authorization|cookie", re.I)
# Each alternative is linear: its repetitions are bounded, or no other match can begin inside them.
_TEXT = re.compile(
    # password=…, "token": "…", X-Api-Key: …
    rf"(?P<named>(?:{_NAMES})[\w.-]{{0,40}}[\\\"'\]]{{0,4}}\s{{0,4}}(?:=>|[=:])\s{{0,4}}\\?)"
    r"(?:\"[^\"\n]{1,500}\"|'[^'\n]{1,500}'|[^\s\"',;&]{2,})"
    r"|(?P<header>(?:authorization|cookie)[\\\"']{0,4}\s{0,4}[=:]\s{0,4}[\\\"']{0,2})[^\r\n\"']+"
    r"|(?P<url>://[^/\s:@]{0,100}:)[^/\s@]{1,500}(?=@)"
    r"|(?P<user>\s(?:-u|--user)[ =][\"']?[^\s:]{1,100}:)\S+"
    r"|(?P<signed>\bsig=|signature=)[\w.%+/=-]{8,}"
    r"|(?P<scheme>\b(?:bearer|basic) )(?=\S{0,100}[\d+/=])[\w.~+/=-]{8,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abpr]-[\w-]{10,}|\bwhsec_[\w+/=]{8,}|\bbearer:\S{6,}|\bmp_[\w-]{43}"
    r"|(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,10000}(?:-----END [A-Z ]{0,30}KEY-----)?",
    re.I,
)
# One of these is in every text that _TEXT or _KEY fits (letters of others that an expression takes
# for an i aside). To look for each of them is twenty times as fast as for all in one.
_HINTS = (
    *("pass", "secret", "token", "credential", "key", "authorization", "cookie", "://"),
    *("-u ", "-u=", "--user", "sig=", "signature=", "bearer", "basic ", "akia", "asia"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat", "glpat", "whsec_", "xox", "mp_", "eyj"),
)
_HINTS_OF_BYTES = tuple(hint.encode() for hint in _HINTS)


class Masked(str):
    """A text that was masked when it was written: it is not looked at again."""

    __slots__ = ()


def text(original: str) -> str:
    """Return a text in which everything that looks secret is masked."""
    if isinstance(original, Masked):
        return original
    folded = original.casefold()
    return _TEXT.sub(_mask, original) if any(hint in folded for hint in _HINTS) else original


def document(value: Any) -> Any:
    """Return JSON values, or rows, with everything that looks secret masked."""
    written = orjson.dumps(value, default=str).lower()
    return _shown(value) if any(hint in written for hint in _HINTS_OF_BYTES) else value


def query(original: str) -> str:
    """Return a URL's query; values of names that look secret are masked."""
    pairs = parse_qsl(original, keep_blank_values=True)
    if not any(looks_secret(name) for name, _ in pairs):
        return original
    return urlencode([(name, MASK if looks_secret(name) else value) for name, value in pairs])


@lru_cache(maxsize=512)  # rows share their names; a query's may be long
def looks_secret(name: str) -> bool:
    """Return whether the value of this name is secret."""
    return _KEY.search(name) is not None


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    hidden = {name for name in value if looks_secret(name)} | _named_value(value)
    return {name: _masked(each) if name in hidden else _shown(each) for name, each in value.items()}


def _named_value(value: Mapping[str, Any]) -> set[str]:
    """Return the secret key of {"key": "DB_PASSWORD", "value": "…"}, as forges list variables."""
    names = (value.get("key"), value.get("name"))
    is_secret = any(isinstance(name, str) and looks_secret(name) for name in names)
    return {"value"} if is_secret else set()


def _masked(value: Any) -> Any:
    """Return the mask; null and flags are no secrets."""
    return value if value is None or isinstance(value, bool) else MASK


def _mask(match: re.Match[str]) -> str:
    return next((part for part in match.groups() if part), "") + MASK
