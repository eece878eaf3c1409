"""The manifests that a Packer run wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hooks.client import Deadline
from hooks.wrapper import template_secrets

Json = dict[str, Any]


def read_all(patterns: Iterable[str], since: float, deadline: Deadline) -> list[Json]:
    """Every manifest that these globs name and that was written since; {} where one is torn."""
    documents = []
    for path in template_secrets.found(patterns):
        try:
            if path.stat().st_mtime < since - 1 or deadline.left() < deadline.seconds / 2:
                continue
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError):  # two builds wrote at once
            document = {}
        except OSError:
            continue
        documents.append(document if isinstance(document, dict) else {})
    return documents
