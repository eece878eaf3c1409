"""A Packer template before it runs: its builds, components and paths of manifests.

It is read, never evaluated: the value of a function or a data source is not known here. What
cannot be read allows everything.
https://developer.hashicorp.com/packer/docs/templates
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from hooks.wrapper import files, hcl, sources, variables

Json = dict[str, Any]
DEFAULT_OUTPUT = "packer-manifest.json"
MAX_FILES = 500

_TEMPLATED = re.compile(r"\{\{.*?\}\}|\$\{.*?\}")
_HCL_NAME = re.compile(r"(?:[^`:]+\.)?([a-z][\w-]*)\.([\w-]+)")


class Source(NamedTuple):
    """What a target is made from: the builder's type, and its name in a manifest."""

    kind: str
    label: str


class Template(NamedTuple):
    """What is known of a template; `targets` may hold `*` where a name is templated.

    `manifests` are globs; `components` are (place, type), place being provisioner or post; `words`
    are the names that occur in it; `sources` are the paths of the images that a builder starts
    from, by its type and label; `digest` is the SHA-256 of its files.
    """

    targets: Mapping[str, Source] = {}
    secrets: frozenset[str] = frozenset()
    manifests: tuple[str, ...] = ()
    components: frozenset[tuple[str, str]] = frozenset()
    words: frozenset[str] = frozenset()
    is_json: bool = False
    is_read: bool = False
    sources: Mapping[tuple[str, str], tuple[str, ...]] = {}
    digest: str = ""
    folder: Path = Path()
    path: Path = Path()

    def source(self, target: str) -> Source:
        """Return the type and the label of a target; a JSON template's name is never cut."""
        found = self.targets.get(target) or next(
            (s for name, s in self.targets.items() if "*" in name and fnmatchcase(target, name)),
            None,
        )
        if found:
            return found if self.is_json is False else Source(found.kind, target)
        if self.is_json or not (match := _HCL_NAME.fullmatch(target)):
            return Source("", target)
        return Source(match[1], match[2])

    def kind_of(self, target: str) -> str:
        """Return the builder's type of a target; '' if it is not known.

        >>> Template().kind_of("web.amazon-ebs.rhel")
        'amazon-ebs'
        """
        return self.source(target).kind

    def accepts(self, name: str) -> bool:
        """Return whether this can be a target of this template."""
        if not self.is_read:
            return "`" not in name
        if any(fnmatchcase(name, each) for each in self.targets):
            return True
        return not self.is_json and _HCL_NAME.fullmatch(name) is not None

    def has(self, place: str, kind: str) -> bool:
        """Return whether such a provisioner or post-processor can run.

        HCP Packer adds its own: https://developer.hashicorp.com/hcp/docs/packer
        """
        kinds = {each for where, each in self.components if where == place}
        if not self.is_read or kind.startswith("hcp-"):
            return True
        return any(kind in each or each in kind for each in kinds)

    def says(self, word: str) -> bool:
        """Return whether the template has this setting."""
        return not self.is_read or word in self.words

    def may_clean_up(self) -> bool:
        """Return whether a provisioner may run behind an error."""
        return self.says("error-cleanup-provisioner")


def read(arguments: Sequence[str], env: Mapping[str, str]) -> Template:
    """Return the template of `packer build ARGUMENTS`; an empty one if it cannot be read."""
    path = Path(arguments[-1]) if arguments else Path()
    try:
        paths = _paths(path)
        texts = [files.read(each) for each in paths]
        text = b"\n".join(texts).decode("utf-8", "replace")
        if path.suffix == ".json" and not path.name.endswith(".pkr.json"):
            template = _of_json(_object(text), arguments, env)
        else:
            template = _of_hcl(text, path, arguments, env)
        digest = hashlib.sha256(b"\0".join(texts)).hexdigest()
    except (OSError, ValueError, RecursionError, TypeError, AttributeError):
        return Template(path=path)
    if not paths:
        return Template(path=path)
    folder = path if path.is_dir() else path.parent
    return template._replace(digest=digest, folder=folder, path=path, is_read=True)


def _paths(path: Path) -> list[Path]:
    return sorted(path.glob("*.pkr.hcl"))[:MAX_FILES] if path.is_dir() else [path]


def _of_json(document: Json, arguments: Sequence[str], env: Mapping[str, str]) -> Template:
    """Return what a JSON template says.

    https://developer.hashicorp.com/packer/docs/templates/legacy_json_templates
    """
    builders = [each for each in document.get("builders") or [] if isinstance(each, dict)]
    posts = list(_steps(document.get("post-processors") or []))
    provisioners = [each for each in document.get("provisioners") or [] if isinstance(each, dict)]
    outputs = [each.get("output") for each in posts if each.get("type") == "manifest"]
    words = {key for each in provisioners for key in each} | set(document)
    return Template(
        targets={
            _TEMPLATED.sub("*", str(each.get("name") or each.get("type"))): Source(
                str(each.get("type")), str(each.get("name") or each.get("type"))
            )
            for each in builders
        },
        secrets=variables.secrets_of_json(document, arguments, env),
        manifests=tuple(dict.fromkeys(_pattern(str(o or DEFAULT_OUTPUT), Path()) for o in outputs)),
        components=frozenset(
            [("provisioner", str(each.get("type"))) for each in provisioners]
            + [("post", str(each.get("type"))) for each in posts]
        ),
        words=frozenset(words),
        sources=sources.of_json(builders, variables.values_of_json(document, arguments, env)),
        is_json=True,
    )


def _steps(steps: Any) -> Iterator[Json]:
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, list):
            yield from _steps(step)
        elif isinstance(step, str):
            yield {"type": step}
        elif isinstance(step, dict):
            yield step


def _of_hcl(text: str, path: Path, arguments: Sequence[str], env: Mapping[str, str]) -> Template:
    text = hcl.without_comments(text)
    folder = path if path.is_dir() else path.parent
    blocks = list(hcl.blocks(text))
    builds = [block for block in blocks if block.kind == "build"]
    inner = [each for build in builds for each in hcl.blocks(build.body)]
    chains = [post for each in inner for post in hcl.blocks(each.body)]
    posts = [each for each in (*inner, *chains) if each.kind == "post-processor" and each.labels]
    provisioners = [each for each in inner if each.kind == "provisioner" and each.labels]
    return Template(
        targets=dict(_hcl_targets(builds)),
        secrets=variables.secrets_of_hcl(blocks, folder, arguments, env),
        manifests=tuple(_hcl_outputs(posts, folder)),
        components=frozenset(
            [("provisioner", each.labels[0]) for each in provisioners]
            + [("post", each.labels[0]) for each in posts]
        ),
        words=frozenset(re.findall(r"[\w-]+(?=\s*[={])", text)),
        sources=sources.of_hcl(
            blocks, variables.values_of_hcl(blocks, folder, arguments, env), folder
        ),
    )


def _hcl_targets(builds: Iterable[hcl.Block]) -> Iterator[tuple[str, Source]]:
    """Yield the name that Packer prints for each source, as far as the text says it."""
    for build in builds:
        name = _hcl_name(build)
        before = f"{name}." if name else ""
        for each in hcl.literals(hcl.attribute(build.body, "sources")):
            kind, _, label = each.removeprefix("source.").partition(".")
            yield f"{before}{kind}.{label}", Source(kind, label)
        for block in hcl.blocks(build.body):
            if block.kind == "source" and block.labels:
                kind, _, label = block.labels[0].removeprefix("source.").partition(".")
                yield f"{before}{kind}.{_hcl_name(block) or label}", Source(kind, label)


def _hcl_name(block: hcl.Block) -> str:
    """Return a block's own name, `*` for what the text does not say; '' without one."""
    expression = hcl.attribute(block.body, "name")
    if not expression:
        return ""
    name = hcl.literal(expression)
    return "*" if name is None else _TEMPLATED.sub("*", name)


def _hcl_outputs(posts: Iterable[hcl.Block], folder: Path) -> Iterator[str]:
    """Yield a glob for each manifest whose path is written in the template."""
    for post in posts:
        if post.labels[0] != "manifest":
            continue
        expression = hcl.attribute(post.body, "output")
        output = hcl.literal(expression.rstrip("} ")) if expression else DEFAULT_OUTPUT
        if output is not None:
            yield _pattern(output, folder)


def _pattern(output: str, folder: Path) -> str:
    """Return a path with templated parts as a glob."""
    for name, path in (("${path.root}", folder), ("${path.cwd}", Path())):
        output = output.replace(name, str(path))
    return re.sub(r"\*+", "*", _TEMPLATED.sub("*", output))


def _object(text: str) -> Json:
    document = json.loads(text.lstrip("\ufeff"))
    return document if isinstance(document, dict) else {}
