"""The image that a target starts from: what its builder prints, and what its template says; pure.

The words are those of the plugins' sources (github.com/hashicorp/packer-plugin-NAME): amazon 0.0.1
to 1.8.2 builder/common/step_source_ami_info.go; azure 1.4.0 to 2.6.3, which has images of the
marketplace in the same line, builder/azure/*/step_get_source_image_name.go; googlecompute 0.0.1 to
1.2.7 builder/googlecompute/step_create_instance.go; docker 0.0.1 to 1.1.4
builder/docker/step_pull.go. No region is printed with them, and docker prints no image's own id.
QEMU, VMware, VirtualBox and vSphere print nothing: what they start from is in the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hooks.wrapper import hcl

SAID = (
    ("amazon-", re.compile(r"Found Image ID: (ami-\w+)")),
    ("azure-", re.compile(r"-> SourceImageName: '([^']+)'")),
    ("googlecompute", re.compile(r"Using image: (\S+)")),
    ("docker", re.compile(r"Pulling Docker image: (\S+)")),
)
# The attribute with the path of an image; of QEMU only with `disk_image = true`, else it is an ISO:
# https://developer.hashicorp.com/packer/integrations/hashicorp/qemu/latest/components/builder/qemu
PATHS = {
    "qemu": ("iso_url", "iso_urls"),
    "virtualbox-ovf": ("source_path",),
    "vmware-vmx": ("source_path",),
    "hyperv-vmcx": ("clone_from_vmcx_path",),
    "parallels-pvm": ("source_path",),
    "vsphere-clone": ("template",),
}
_HCL_VARIABLE = re.compile(r"\$\{var\.([\w-]+)\}")
_JSON_VARIABLE = re.compile(r"\{\{\s*user\s+`([\w-]+)`\s*\}\}")

Json = dict[str, Any]
Sources = dict[tuple[str, str], tuple[str, ...]]  # by type and label of the builder
Values = Mapping[str, str]  # of variables


def printed(kind: str, text: str) -> str | None:
    """Return the image that this line of a builder names."""
    for beginning, words in SAID:
        if kind.startswith(beginning) and (match := words.fullmatch(text.strip())):
            return match[1]
    return None


def of_hcl(blocks: Iterable[hcl.Block], values: Values, folder: Path) -> Sources:
    """Return what each `source` block of a template names."""
    found: Sources = {}
    for block in blocks:
        if block.kind == "source" and len(block.labels) == 2:
            texts = {
                name: [_of_expression(each, values, folder) for each in _parts(block.body, name)]
                for name in PATHS.get(block.labels[0], ())
            }
            is_image = hcl.attribute(block.body, "disk_image").startswith("true")
            found[block.labels[0], block.labels[1]] = _named(block.labels[0], texts, is_image)
    return {builder: paths for builder, paths in found.items() if paths}


def of_json(builders: Iterable[Json], values: Values) -> Sources:
    """Return what each builder of a JSON template names."""
    found: Sources = {}
    for builder in builders:
        kind = str(builder.get("type"))
        listed = {name: builder.get(name) or [] for name in PATHS.get(kind, ())}
        texts = {
            name: [
                _JSON_VARIABLE.sub(lambda match: values.get(match[1], match[0]), str(each))
                for each in (value if isinstance(value, list) else [value])
            ]
            for name, value in listed.items()
        }
        label = str(builder.get("name") or kind)
        found[kind, label] = _named(kind, texts, builder.get("disk_image") in (True, "true"))
    return {builder: paths for builder, paths in found.items() if paths}


def _parts(body: str, name: str) -> list[str]:
    """Return the expressions of an attribute: of a list each of its literals."""
    expression = hcl.attribute(body, name)
    literals = [f'"{each}"' for each in hcl.literals(expression)]
    return literals or ([expression] if expression else [])


def _of_expression(expression: str, values: Values, folder: Path) -> str:
    """Return the text of a literal or of a variable; a part that is not known stays templated."""
    text = hcl.literal(expression)
    if text is None:
        text = f"${{{expression}}}"
    for name, path in (("${path.root}", folder), ("${path.cwd}", Path())):
        text = text.replace(name, str(path))
    return _HCL_VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)


def _named(kind: str, texts: Mapping[str, list[str]], is_image: bool) -> tuple[str, ...]:
    """Return the paths that are known as a whole.

    A machine of vSphere is named without its folder, as the builder's artifact names it.
    """
    if kind == "qemu" and not is_image:
        return ()
    paths = [text.removeprefix("./") for each in texts.values() for text in each if text]
    known = [path for path in paths if "${" not in path and "{{" not in path]
    if kind == "vsphere-clone":
        known = [path.rpartition("/")[2] for path in known]
    return tuple(dict.fromkeys(filter(None, known)))
