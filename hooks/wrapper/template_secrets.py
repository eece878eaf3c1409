"""What a Packer template says before it runs: builders, sensitive values, where manifests go.

Read, never evaluated: what a function or a data source makes of a value is not known here.
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
    """`builders` gives the type of each builder of a JSON template; `manifests` are globs."""

    builders: Mapping[str, str] = {}
    secrets: frozenset[str] = frozenset()
    manifests: tuple[str, ...] = ()


def read(arguments: Sequence[str], env: Mapping[str, str]) -> Template:
    """The template that `packer build ARGUMENTS` takes; an empty one where it cannot be read."""
    path = Path(arguments[-1]) if arguments else Path()
    try:
        if path.suffix == ".json" and not path.name.endswith(".pkr.json"):
            return _of_json(_object(path), arguments, env)
        return _of_hcl(path, arguments, env)
    except (OSError, ValueError, RecursionError, TypeError, AttributeError):
        return Template()


def platform(target: str, template: Template) -> str | None:
    """The builder's type: a JSON builder's from the template, of an HCL2 source its own.

    >>> platform("web.amazon-ebs.rhel", Template())
    'amazon-ebs'
    """
    if template.builders:
        return template.builders.get(target)
    parts = target.split(".")
    return parts[-2] if len(parts) > 1 else None


def source(target: str, template: Template) -> str:
    """The name that Packer gives the target in a manifest: an HCL2 source's label alone."""
    return target if target in template.builders else target.rpartition(".")[2]


def _of_json(document: Json, arguments: Sequence[str], env: Mapping[str, str]) -> Template:
    builders = [each for each in document.get("builders") or [] if isinstance(each, dict)]
    values = {name: _text(value) for name, value in (document.get("variables") or {}).items()}
    values = {
        name: _ENV.sub(lambda each: env.get(each[1], ""), text) for name, text in values.items()
    }
    secret = set(document.get("sensitive-variables") or [])
    given = [(name, value) for name, value in _given(arguments, env) if name in secret]
    known = {values[name] for name in secret if name in values} | {value for _, value in given}
    return Template(
        {str(each.get("name") or each.get("type")): str(each.get("type")) for each in builders},
        frozenset(filter(None, known)),
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
    known = {value for name in secret for value in _values(_DEFAULT.findall(blocks[name]))}
    given = [*_given(arguments, env), *_automatic(path if path.is_dir() else path.parent)]
    known |= {value for name, value in given if name in secret}
    folder = path if path.is_dir() else path.parent
    return Template({}, frozenset(filter(None, known)), tuple(_hcl_outputs(text, folder)))


def _hcl_outputs(text: str, folder: Path) -> Iterator[str]:
    for block in _MANIFEST.finditer(text):
        output = _OUTPUT.search(block[1] or "")
        yield _pattern(output[1] if output else _DEFAULT_OUTPUT, folder)


def _pattern(output: str, folder: Path) -> str:
    """A path with templated parts as a glob."""
    for name, place in (("${path.root}", folder), ("${path.cwd}", Path())):
        output = output.replace(name, str(place))
    return re.sub(r"\*+", "*", re.sub(r"\{\{.*?\}\}|\$\{.*?\}", "*", output))


def found(patterns: Iterable[str]) -> list[Path]:
    """The files of these globs."""
    return [
        Path(each) for pattern in dict.fromkeys(patterns) for each in sorted(glob.glob(pattern))
    ]


def _given(arguments: Sequence[str], env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every value that -var, -var-file or PKR_VAR_… gives, by its variable's name."""
    for name, value in env.items():
        if name.startswith("PKR_VAR_"):
            yield from ((name[8:], each) for each in {value, *_values([value])})
    for flag, value in _flags(arguments):
        if flag == "var":
            name, _, text = value.partition("=")
            yield from ((name, each) for each in {text, *_values([text])})
        elif flag == "var-file":
            yield from _in_file(Path(value))


def _flags(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, argument in enumerate(arguments):
        name, equals, value = argument.lstrip("-").partition("=")
        if argument.startswith("-") and name in ("var", "var-file"):
            yield name, value if equals else "".join(arguments[place + 1 : place + 2])


def _automatic(folder: Path) -> Iterator[tuple[str, str]]:
    for pattern in ("*.auto.pkrvars.hcl", "*.auto.pkrvars.json"):
        for path in folder.glob(pattern):
            yield from _in_file(path)


def _in_file(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".json":
        for name, value in _object(path).items():
            yield from ((name, each) for each in _texts(value))
        return
    for name, text in _ASSIGNED.findall(path.read_text(encoding="utf-8", errors="replace")):
        yield from ((name, each) for each in _values([text]))


def _values(expressions: Iterable[str]) -> Iterator[str]:
    """Every literal text in an expression."""
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
    """The block that begins at `start`, up to its closing brace."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    return text[start:]
