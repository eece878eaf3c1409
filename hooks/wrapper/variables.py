"""The values of a template's sensitive variables, from everywhere that sets them.

https://developer.hashicorp.com/packer/docs/templates/hcl_templates/variables
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hooks.wrapper import files, hcl

Json = dict[str, Any]

_ASSIGNED = re.compile(r"^\s*([\w-]+)\s*=\s*(.+?)(?=^\s*[\w-]+\s*=|\Z)", re.M | re.S)
_DEFAULT = re.compile(r"^\s*default\s*=\s*(.+?)(?=^\s*\w+\s*=|\Z)", re.M | re.S)
_HEREDOC = re.compile(r"<<-?\s*(\w+)\n(.*?)^\s*\1\s*$", re.M | re.S)
_ENV = re.compile(r"\{\{\s*env\s+`([^`]+)`\s*\}\}")


def secrets_of_json(
    document: Json, arguments: Sequence[str], env: Mapping[str, str]
) -> frozenset[str]:
    """Return the values of what a JSON template lists as `sensitive-variables`."""
    names = [str(name) for name in document.get("sensitive-variables") or []]
    defaults = document.get("variables") or {}
    texts = [_text(defaults.get(name)) for name in names]
    values = {_ENV.sub(lambda match: env.get(match[1], ""), text) for text in texts}
    values |= {value for name, value in assignments(arguments, env) if name in names}
    return frozenset(filter(None, values))


def secrets_of_hcl(
    blocks: Iterable[hcl.Block], folder: Path, arguments: Sequence[str], env: Mapping[str, str]
) -> frozenset[str]:
    """Return the values of the variables with `sensitive = true`."""
    secret = {
        block.labels[0]: block.body
        for block in blocks
        if block.kind == "variable"
        and block.labels
        and hcl.attribute(block.body, "sensitive").startswith("true")
    }
    values = {value for body in secret.values() for value in _values(_default(body))}
    found = [*assignments(arguments, env), *_automatic(folder)]
    return frozenset(filter(None, {*values, *(value for name, value in found if name in secret)}))


def values_of_json(
    document: Json, arguments: Sequence[str], env: Mapping[str, str]
) -> dict[str, str]:
    """Return the values of a JSON template's variables, as far as they are texts."""
    defaults = document.get("variables") or {}
    known = {
        name: _ENV.sub(lambda match: env.get(match[1], ""), _text(value))
        for name, value in defaults.items()
    }
    return known | dict(assignments(arguments, {}))


def values_of_hcl(
    blocks: Iterable[hcl.Block], folder: Path, arguments: Sequence[str], env: Mapping[str, str]
) -> dict[str, str]:
    """Return the values of the variables of an HCL2 template, as far as they are texts."""
    known: dict[str, str] = {}
    for block in blocks:
        text = hcl.literal(hcl.attribute(block.body, "default"))
        if block.kind == "variable" and block.labels and text is not None:
            known[block.labels[0]] = text
    return known | {
        **dict(assignments((), env)),
        **dict(_automatic(folder)),
        **dict(assignments(arguments, {})),
    }


def assignments(arguments: Sequence[str], env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield name and value of each variable that -var, -var-file or PKR_VAR_… sets."""
    for name, value in env.items():
        if name.startswith("PKR_VAR_"):
            yield from ((name[8:], each) for each in {value, *_values(value)})
    for flag, value in flags(arguments, "var", "var-file"):
        if flag == "var":
            name, _, text = value.partition("=")
            yield from ((name, each) for each in {text, *_values(text)})
        else:
            yield from _file_assignments(Path(value))


def flags(arguments: Sequence[str], *names: str) -> Iterator[tuple[str, str]]:
    """Yield each flag of these names with its value: `-only=a` or `-only a`."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.lstrip("-").partition("=")
        if argument.startswith("-") and name in names:
            yield name, value if equals else "".join(arguments[index + 1 : index + 2])


def _default(body: str) -> str:
    """Return the expression of `default`, which may be a list or a text of many lines."""
    match = _DEFAULT.search(body)
    return match[1] if match else ""


def _automatic(folder: Path) -> Iterator[tuple[str, str]]:
    for pattern in ("*.auto.pkrvars.hcl", "*.auto.pkrvars.json"):
        for path in folder.glob(pattern):
            yield from _file_assignments(path)


def _file_assignments(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = files.read(path).decode("utf-8", "replace").replace("\r\n", "\n")
        if path.suffix == ".json":
            for name, value in json.loads(text.lstrip("\ufeff")).items():
                yield from ((name, each) for each in _texts(value))
            return
    except (OSError, ValueError, AttributeError, RecursionError):
        return
    for name, expression in _ASSIGNED.findall(text):
        yield from ((name, each) for each in _values(expression))


def _values(expression: str) -> Iterator[str]:
    """Yield every literal text in an expression."""
    yield from hcl.literals(expression)
    yield from (body for _, body in _HEREDOC.findall(expression))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    else:
        yield _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
