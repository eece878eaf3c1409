"""A Packer template before it runs: its builders, sensitive values and paths of manifests.

It is read, never evaluated: the value of a function or a data source is not known here.
https://developer.hashicorp.com/packer/docs/templates
"""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]

_BLOCK = re.compile(r'^\s*variable\s+"?([\w-]+)"?\s*\{', re.M)
_SENSITIVE = re.compile(r"^\s*sensitive\s*=\s*true", re.M)
_DEFAULT = re.compile(r"^\s*default\s*=\s*(.+?)(?=^\s*\w+\s*=|\Z)", re.M | re.S)
_ASSIGNED = re.compile(r"^\s*([\w-]+)\s*=\s*(.+?)(?=^\s*[\w-]+\s*=|\Z)", re.M | re.S)
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_HEREDOC = re.compile(r"<<-?(\w+)\n(.*?)^\s*\1\s*$", re.M | re.S)
_MANIFEST = re.compile(
    r'post-processor\s+"manifest"\s*\{(.*?)^\s*\}|post-processor "manifest" \{\}', re.M | re.S
)
_OUTPUT = re.compile(r'^\s*output\s*=\s*"((?:[^"\\\n]|\\.)*)"', re.M)
_ENV = re.compile(r"\{\{\s*env\s+`([^`]+)`\s*\}\}")
_DEFAULT_OUTPUT = "packer-manifest.json"


class Template(NamedTuple):
    """`builders` maps each builder of a JSON template to its type; `manifests` are globs."""

    builders: Mapping[str, str] = {}
    secrets: frozenset[str] = frozenset()
    manifests: tuple[str, ...] = ()


def read(arguments: Sequence[str], env: Mapping[str, str]) -> Template:
    """Return the template of `packer build ARGUMENTS`; an empty one if it cannot be read."""
    path = Path(arguments[-1]) if arguments else Path()
    try:
        if path.suffix == ".json" and not path.name.endswith(".pkr.json"):
            return _of_json(_object(path), arguments, env)
        return _of_hcl(path, arguments, env)
    except (OSError, ValueError, RecursionError, TypeError, AttributeError):
        return Template()


def platform(target: str, template: Template) -> str | None:
    """Return the builder's type: from the JSON template, or from the HCL2 source's name.

    >>> platform("web.amazon-ebs.rhel", Template())
    'amazon-ebs'
    """
    if template.builders:
        return template.builders.get(target)
    parts = target.split(".")
    return parts[-2] if len(parts) > 1 else None


def source(target: str, template: Template) -> str:
    """Return the target's name in a manifest: of an HCL2 source its label alone."""
    return target if target in template.builders else target.rpartition(".")[2]


def _of_json(document: Json, arguments: Sequence[str], env: Mapping[str, str]) -> Template:
    builders = [each for each in document.get("builders") or [] if isinstance(each, dict)]
    values = {name: _text(value) for name, value in (document.get("variables") or {}).items()}
    values = {
        name: _ENV.sub(lambda each: env.get(each[1], ""), text) for name, text in values.items()
    }
    secret = set(document.get("sensitive-variables") or [])
    secrets = {values[name] for name in secret if name in values}
    secrets |= {value for name, value in _assignments(arguments, env) if name in secret}
    return Template(
        {str(each.get("name") or each.get("type")): str(each.get("type")) for each in builders},
        frozenset(filter(None, secrets)),
        tuple(dict.fromkeys(_json_outputs(document.get("post-processors") or []))),
    )


def _json_outputs(steps: Any) -> Iterator[str]:
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, list):
            yield from _json_outputs(step)
        elif step == "manifest":
            yield _DEFAULT_OUTPUT
        elif isinstance(step, dict) and step.get("type") == "manifest":
            yield _pattern(str(step.get("output") or _DEFAULT_OUTPUT), Path())


def _of_hcl(path: Path, arguments: Sequence[str], env: Mapping[str, str]) -> Template:
    files = sorted(path.glob("*.pkr.hcl")) if path.is_dir() else [path]
    text = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    text = re.sub(r"^\s*(?:#|//).*$", "", text, flags=re.M)
    blocks = {match[1]: _braces(text, match.end()) for match in _BLOCK.finditer(text)}
    secret = {name for name, block in blocks.items() if _SENSITIVE.search(block)}
    folder = path if path.is_dir() else path.parent
    secrets = {value for name in secret for value in _values(_DEFAULT.findall(blocks[name]))}
    assignments = [*_assignments(arguments, env), *_automatic(folder)]
    secrets |= {value for name, value in assignments if name in secret}
    return Template({}, frozenset(filter(None, secrets)), tuple(_hcl_outputs(text, folder)))


def _hcl_outputs(text: str, folder: Path) -> Iterator[str]:
    for block in _MANIFEST.finditer(text):
        output = _OUTPUT.search(block[1] or "")
        yield _pattern(output[1] if output else _DEFAULT_OUTPUT, folder)


def _pattern(output: str, folder: Path) -> str:
    """Return a path with templated parts as a glob."""
    for name, path in (("${path.root}", folder), ("${path.cwd}", Path())):
        output = output.replace(name, str(path))
    return re.sub(r"\*+", "*", re.sub(r"\{\{.*?\}\}|\$\{.*?\}", "*", output))


def matching_files(patterns: Iterable[str]) -> list[Path]:
    """Return the files that match these globs."""
    return [
        Path(each) for pattern in dict.fromkeys(patterns) for each in sorted(glob.glob(pattern))
    ]


def _assignments(arguments: Sequence[str], env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield name and value of each variable that -var, -var-file or PKR_VAR_… sets."""
    for name, value in env.items():
        if name.startswith("PKR_VAR_"):
            yield from ((name[8:], each) for each in {value, *_values([value])})
    for flag, value in _flags(arguments):
        if flag == "var":
            name, _, text = value.partition("=")
            yield from ((name, each) for each in {text, *_values([text])})
        elif flag == "var-file":
            yield from _file_assignments(Path(value))


def _flags(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    for index, argument in enumerate(arguments):
        name, equals, value = argument.lstrip("-").partition("=")
        if argument.startswith("-") and name in ("var", "var-file"):
            yield name, value if equals else "".join(arguments[index + 1 : index + 2])


def _automatic(folder: Path) -> Iterator[tuple[str, str]]:
    for pattern in ("*.auto.pkrvars.hcl", "*.auto.pkrvars.json"):
        for path in folder.glob(pattern):
            yield from _file_assignments(path)


def _file_assignments(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".json":
        for name, value in _object(path).items():
            yield from ((name, each) for each in _texts(value))
        return
    for name, text in _ASSIGNED.findall(path.read_text(encoding="utf-8", errors="replace")):
        yield from ((name, each) for each in _values([text]))


def _values(expressions: Iterable[str]) -> Iterator[str]:
    """Yield every literal text in the expressions."""
    for text in expressions:
        yield from (re.sub(r"\\(.)", r"\1", each) for each in _QUOTED.findall(text))
        yield from (body for _, body in _HEREDOC.findall(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    else:
        yield _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _object(path: Path) -> Json:
    document = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    return document if isinstance(document, dict) else {}


def _braces(text: str, start: int) -> str:
    """Return the block that begins at `start`, up to its closing brace."""
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if not depth:
            return text[start:index]
    return text[start:]
