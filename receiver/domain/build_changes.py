"""What changed between a build and the last good one of its image; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

Row = Mapping[str, Any]
NOTABLE = 0.2  # of a stage's seconds
SECONDS = 10  # that a stage must differ at least
# https://docs.github.com/en/pull-requests/committing-changes-to-your-project/viewing-and-comparing-commits/comparing-commits
_GITHUB = re.compile(r"(https?://[^/?#]+/[^/?#]+/[^/?#]+)/actions/runs/")
# https://docs.gitlab.com/user/project/repository/compare_revisions/
_GITLAB = re.compile(r"(https?://[^?#]+?)/-/(?:jobs|pipelines)/")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def compare_link(run_url: str | None, old: str | None, new: str | None) -> str | None:
    """Return the forge's page of what lies between two commits; None where it has none.

    >>> compare_link("https://github.com/acme/images/actions/runs/5", "a" * 40, "b" * 40)[:43]
    'https://github.com/acme/images/compare/aaaa'
    """
    if not (old and new and _COMMIT.fullmatch(old) and _COMMIT.fullmatch(new)):
        return None
    commits = f"{quote(old)}...{quote(new)}"
    if found := _GITHUB.match(run_url or ""):
        return f"{found[1]}/compare/{commits}"
    if found := _GITLAB.match(run_url or ""):
        return f"{found[1]}/-/compare/{commits}"
    return None


def slower_stages(old: Iterable[Row], new: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the stages whose last completed run took a fifth more or less time than before, with
    `before`, `now` in seconds, and `percent`."""
    before, now = _seconds(old), _seconds(new)
    changed = []
    for stage, seconds in now.items():
        usual = before.get(stage)
        if usual and abs(seconds - usual) >= max(NOTABLE * usual, SECONDS):
            percent = round((seconds - usual) / usual * 100)
            changed.append({"stage": stage, "before": usual, "now": seconds, "percent": percent})
    return changed


def changed_tools(old: Row | None, new: Row | None) -> list[dict[str, Any]]:
    """Return Packer and the plugins whose version differs: `name`, `before` and `now`."""
    before, now = _versions(old), _versions(new)
    if not before or not now:
        return []  # one of them says nothing, so that nothing can have changed
    names: Sequence[str] = sorted(before.keys() | now.keys())
    return [
        {"name": name, "before": before.get(name), "now": now.get(name)}
        for name in names
        if before.get(name) != now.get(name)
    ]


def changed_tree(old: bool | None, new: bool | None) -> str | None:
    """Return how the working tree differs; None where it does not, or one of them does not say.

    >>> changed_tree(False, True)
    'without changes → with changes that are not committed'
    """
    if old is None or new is None or old == new:
        return None
    words = ("without changes", "with changes that are not committed")
    return " → ".join(words[each] for each in (old, new))


def _seconds(states: Iterable[Row]) -> dict[str, float]:
    return {
        row["stage"]: row["duration_seconds"]
        for row in states
        if row["stage"] and row["status"] == "completed" and row["duration_seconds"] is not None
    }


def _versions(made: Row | None) -> dict[str, str]:
    if not made:
        return {}
    own = {"Packer": made["packer_version"]} if made["packer_version"] else {}
    return own | dict(made["plugins"] or {})
