"""The file of the event that started a GitHub workflow: the body of its webhook.

GITHUB_EVENT_PATH names it in every job; `repository` is in each body, save that of a schedule may
lack it: https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_BYTES = 25 * 2**20  # GitHub's limit of a body

Env = Mapping[str, str]


def default_branch(env: Env) -> str:
    """Return the default branch of the repository, "" if the file does not tell it."""
    branch = _read(env, "repository").get("default_branch")
    return branch if isinstance(branch, str) else ""


def pull_request(env: Env) -> str:
    """Return the number of the pull request, "" if the file does not tell it."""
    number = _read(env, "pull_request").get("number")
    return str(number) if isinstance(number, int) else ""


def _read(env: Env, part: str) -> dict[str, Any]:
    """Return an object of the event, {} if there is none that can be read."""
    path = Path(env.get("GITHUB_EVENT_PATH", ""))
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return {}
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    found = document.get(part) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}
