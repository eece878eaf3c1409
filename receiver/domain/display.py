"""How pages, commands and errors write a status, a dimension and a span of time; pure."""

DASH = "\N{EN DASH}"
SIGNS = {  # so that colour is never the only one
    "completed": "✓",
    "failed": "✗",
    "running": "◐",
    "started": "◐",
    "cancelled": "⊘",
    "skipped": "»",
    "stalled": "◌",
    "overdue": "◔",
    "lost": "✗",
    "unchanged, renewed": "✓",
}


def sign(status: str) -> str:
    """Return the sign of a status."""
    return SIGNS.get(status, "○")


def label(dimension: str) -> str:
    """Return a dimension's name in words: os_version → "OS version"."""
    return dimension.replace("os_version", "OS version").replace("_", " ")


def duration(seconds: float | None) -> str:
    """Return a span of time in two units at most, or a dash."""
    if seconds is None:
        return DASH
    whole = int(seconds)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = []
    for name, size in units:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
