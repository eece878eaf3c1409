"""The manifests that a Packer run wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable

from hooks.client import Deadline, Json
from hooks.wrapper import template_secrets


def read_all(patterns: Iterable[str], since: float, deadline: Deadline) -> list[Json]:
    """Return each manifest of these globs that was written since then; {} for a torn one."""
    documents = []
    for path in template_secrets.matching_files(patterns):
        try:
            if path.stat().st_mtime < since - 1 or deadline.remaining() < deadline.seconds / 2:
                continue
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError):  # two builds wrote at once
            document = {}
        except OSError:
            continue
        documents.append(document if isinstance(document, dict) else {})
    return documents
