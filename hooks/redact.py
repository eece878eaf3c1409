"""Mask secrets: known values, and text that looks like a secret; pure.

Packer masks sensitive variables in its plain output alone: a manifest and, before 1.15.1,
`-machine-readable` hold them in clear (https://github.com/hashicorp/packer/pull/13582).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

MASK = "<sensitive>"
MIN_LENGTH = 6  # of a line of a secret: a shorter one is in every other word

# Whole words of a variable's name: GIT_AUTHOR_NAME is no secret, GITHUB_TOKEN is one.
_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:SECRETS?|TOKENS?|PASSWORD|PASSWD|PASSPHRASE|PASS|CREDENTIALS?|AUTH"
    r"|(?:PRIVATE|API|ACCESS|ACCOUNT|SIGNING|ENCRYPTION)[_-]?KEY)(?:[_-]|$)"
    r"|SECRET|PASSWORD|TOKEN$",
    re.I,
)
# A name that only tells where a secret is, or how long it is valid.
_NO_SECRET_NAME = re.compile(r"(?:_FILE|_PATH|_DIR|_URL|_URI|_NAME|_TYPE|_EXPIR\w*|_TTL)$", re.I)
# Each alternative is linear: its repetitions are bounded, or no other match can begin inside them.
_LOOKS_SECRET = re.compile(
    r"(?P<key>(?:password|passwd|secret|token|api[_-]?key|access[_-]?key)[\"']?\s*[=:]\s*[\"']?)"
    r"(?!<sensitive>)[^\s\"',;&]{3,}"
    r"|(?P<url>://[^/\s:@]{0,100}:)[^/\s@]{1,500}(?=@)"
    r"|(?P<bearer>\b(?:bearer|basic) )[\w.~+/=-]{12,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abpr]-[\w-]{10,}"
    r"|\bwhsec_[\w+/=]{8,}|\bbearer:\S{6,}"
    r"|(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*",
    re.I,
)
# Without one of these nothing looks secret. In a long line they are found 10 times as fast as by an
# expression that ignores case.
_HINTS = (
    *("pass", "secret", "token", "key", "://", "bearer", "basic", "akia", "asia"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat", "xox", "eyj", "whsec_"),
)
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,30}PRIVATE KEY-----")
_KEY_LINE = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{16,}\s*$")


class Redactor:
    """Masks known values and likely secrets; remembers an open private key between lines."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        lines = {line.strip() for value in values for line in value.splitlines()}
        secret = (re.escape(line) for line in lines if len(line) >= MIN_LENGTH)
        patterns = sorted(secret, key=len, reverse=True)
        self._values = re.compile("|".join(patterns)) if patterns else None
        self._in_key = False

    def line(self, text: str) -> str:
        """Return a line of output without its secrets."""
        if self._in_key or "PRIVATE KEY" in text:
            text = self._key_line(text)
        return self.text(text)

    def text(self, text: str) -> str:
        """Return any text without its secrets."""
        if self._values:
            text = self._values.sub(MASK, text)
        folded = text.casefold()
        if any(hint in folded for hint in _HINTS):
            text = _LOOKS_SECRET.sub(_masked, text)
        return text

    def document(self, value: Any, exact: Collection[str] = ()) -> Any:
        """Return a JSON value with every text in it redacted, save under the `exact` keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.document(each, exact) for each in value]
        if isinstance(value, dict):
            return {
                key: each if key in exact else self.document(each, exact)
                for key, each in value.items()
            }
        return value

    def _key_line(self, text: str) -> str:
        if _KEY_BEGINS.search(text):
            self._in_key = not _KEY_ENDS.search(text)
            return _KEY_BEGINS.split(text)[0] + MASK
        if _KEY_ENDS.search(text):
            self._in_key = False
            return MASK
        return _KEY_LINE.sub(MASK, text)


def secret_values(env: Mapping[str, str]) -> list[str]:
    """Return the values of variables whose names say that they are secret."""
    return [
        value
        for name, value in env.items()
        if _SECRET_NAME.search(name) and not _NO_SECRET_NAME.search(name) and value[:1] != "/"
    ]


def _masked(match: re.Match[str]) -> str:
    prefix = match["key"] or match["url"] or match["bearer"] or ""
    return prefix + MASK
