"""The lines that get one image into a shell, a Packer template or Terraform; pure.

The `http` data source of Terraform takes any status, so it is checked; that of Packer (1.8.1) fails
on every status but 200:
https://registry.terraform.io/providers/hashicorp/http/latest/docs/data-sources/http
https://developer.hashicorp.com/packer/docs/datasources/http
"""

import shlex
from collections.abc import Mapping
from urllib.parse import urlencode

from receiver.domain.model import DIMENSIONS

_PACKER = """\
data "http" "image" {{
  url             = "{address}"
  request_headers = {{ Authorization = "Bearer ${{var.milepost_token}}" }}
}}
locals {{ image = trimspace(data.http.image.body) }}
"""
_TERRAFORM = """\
data "http" "image" {{
  url             = "{address}"
  request_headers = {{ Authorization = "Bearer ${{var.milepost_token}}" }}
  lifecycle {{
    postcondition {{
      condition     = self.status_code == 200
      error_message = "Milepost serves no such image (status ${{self.status_code}})."
    }}
  }}
}}
locals {{ image = trimspace(data.http.image.response_body) }}
"""


def copy_lines(url: str, row: Mapping[str, str | None]) -> dict[str, str]:
    """Return the lines by where they go; `row` has the dimensions of an image and its region."""
    asked = {name: text for name in (*DIMENSIONS, "region") if (text := row[name])}
    address = f"{url}/api/v1/image?{urlencode(asked | {'format': 'text'})}"
    curl = f'curl -fsS -H "Authorization: Bearer $MILEPOST_TOKEN" {shlex.quote(address)}'
    return {
        "Shell": curl,
        "Packer": _PACKER.format(address=address),
        "Terraform": _TERRAFORM.format(address=address),
    }
