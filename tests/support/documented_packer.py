"""What the documented jobs need: a Packer that knows `init`, and templates of three clouds."""

from pathlib import Path

PACKER = "/usr/bin/packer"  # 1.6.6, which has no `init` yet
TEMPLATE = """
variable "os" {
  type    = string
  default = "rhel-9"
}

source "null" "CLOUD" {
  communicator = "none"
}

build {
  sources = ["source.null.CLOUD"]

  provisioner "shell-local" {
    inline = ["echo 'milepost: stage 25 Security baseline'"]
  }

  MANIFEST
}
"""


def prepare(folder: Path, manifest: str) -> Path:
    """Write `images/<cloud>` with the documented post-processor; return the folder of a Packer."""
    for cloud in ("aws", "azure", "gcp"):
        path = folder / "images" / cloud / "golden.pkr.hcl"
        path.parent.mkdir(parents=True)
        path.write_text(TEMPLATE.replace("CLOUD", cloud).replace("MANIFEST", manifest))
    programs = folder / "packer bin"
    programs.mkdir()
    packer = programs / "packer"
    packer.write_text(f'#!/bin/sh\n[ "$1" = init ] || exec {PACKER} "$@"\ntest -d "$2"\n')
    packer.chmod(0o755)
    return programs
