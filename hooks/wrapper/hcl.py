"""Blocks and attributes of an HCL2 text, without evaluating anything; pure.

https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|#[^\n]*|//[^\n]*|/\*.*?\*/|<<-?\s*(\w+)\n.*?^[ \t]*\1[ \t]*$|[{}]',
    re.M | re.S,
)
_COMMENT = ("#", "//", "/*")
_HEAD = re.compile(r'(?:^|[\n{}])[ \t]*([\w-]+)((?:[ \t]+(?:"[^"\n]*"|[\w-]+))*)[ \t]*$')
_LABEL = re.compile(r'"([^"\n]*)"|([\w-]+)')


class Block(NamedTuple):
    """A block: `source "null" "base" { … }` has the labels null and base."""

    kind: str
    labels: tuple[str, ...]
    body: str


def without_comments(text: str) -> str:
    """Return the text with its comments blanked."""
    return _TOKEN.sub(lambda match: "" if match[0].startswith(_COMMENT) else match[0], text)


def blocks(text: str) -> Iterator[Block]:
    """Yield the outermost blocks of a text without comments."""
    depth, start, head = 0, 0, ""
    after = 0  # the end of the block before
    for match in _TOKEN.finditer(text):
        if match[0] == "{":
            if not depth:
                head, start = text[after : match.start()], match.end()
            depth += 1
        elif match[0] == "}" and depth:
            depth -= 1
            if not depth:
                after = match.end()
                if named := _HEAD.search(head):
                    labels = tuple(quoted or bare for quoted, bare in _LABEL.findall(named[2]))
                    yield Block(named[1], labels, text[start : match.start()])


def attribute(body: str, name: str) -> str:
    """Return the expression of an attribute on its line or in its brackets; '' without one."""
    match = re.search(rf"(?:^|[\n;{{])[ \t]*{name}[ \t]*=[ \t]*(\[[^\]]*\]|[^\n]+)", f"\n{body}")
    return match[1].strip() if match else ""


def literal(expression: str) -> str | None:
    """Return the text of a quoted expression; None of any other one."""
    match = re.fullmatch(r'"((?:[^"\\\n]|\\.)*)"', expression)
    return re.sub(r"\\(.)", r"\1", match[1]) if match else None


def literals(expression: str) -> list[str]:
    """Return every quoted text in an expression."""
    found = re.findall(r'"((?:[^"\\\n]|\\.)*)"', expression)
    return [re.sub(r"\\(.)", r"\1", each) for each in found]
