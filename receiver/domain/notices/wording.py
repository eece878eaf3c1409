"""The words of a message: what, where it stopped, why, since when, how often, whose, where; pure.

News has `type`, `at`, `facts` (planning.facts_of), and `context`: what is known of its image when
the message is written: `count` and `since` of the failures in a row, `serving` (the id of the image
that is served) and `serving_age` in seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from receiver.domain.dimensions import UNKNOWN
from receiver.domain.model import DIMENSIONS, Json
from receiver.domain.notices.planning import one_line

Row = Mapping[str, Any]
SIGNS = {"failed": "✗", "lost": "✗", "recovered": "✓", "completed": "✓", "overdue": "◌"}
OTHER_SIGN = "!"
MAX_NAMES = 6  # of a group of alike failures
ORDER = ("failed", "lost", "overdue", "late", "recovered", "completed")
ORDINALS = {2: "Second", 3: "Third", 4: "Fourth", 5: "Fifth"}


def image_name(facts: Row) -> str:
    """Return the image as a short text: core/aws/rhel-9/base; what is unnamed by its repository."""
    if "sender" in facts:
        return str(facts["sender"])
    if UNKNOWN in (facts["os_version"], facts["image_type"]):
        return f"unnamed image of {facts['repository'] or facts['build_number']}"
    names = (facts[name] for name in DIMENSIONS)
    return "/".join(name for name in names if name and name != UNKNOWN)


def moment(at: datetime) -> str:
    """Return a time as `30 Nov 02:10 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %H:%M} UTC"


def age(seconds: float) -> str:
    """Return how old something is in one unit: hours up to three days.

    >>> age(44 * 3600 + 120)
    '44 h'
    """
    if seconds < 3 * 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 3 * 86_400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86_400)} d"


def headline(row: Row) -> str:
    """Return one line of one piece of news: what, and where it stopped."""
    facts, kind = row["facts"], row["type"]
    if kind == "digest":
        return str(facts["title"])
    sign, name = SIGNS.get(kind, OTHER_SIGN), image_name(facts)
    if kind in ("failed", "lost", "overdue"):
        return f"{sign} {name} {kind} {place(facts)}".rstrip()
    if kind == "quarantined":
        return f"{sign} {name}: a delivery cannot be used"
    if kind == "silent-sender":
        return f"{sign} {name} is silent since {facts['since']}"
    return f"{sign} {name} {'is late' if kind == 'late' else kind}"


def place(facts: Row) -> str:
    """Return where a build stopped: `at 25, Security baseline`; an estimated state is marked."""
    sign = "≈" if facts["estimated"] else ""
    stage = f", {facts['stage']}" if facts["stage"] else ""
    return f"at {sign}{facts['current_state']}{stage}"


def details(row: Row) -> Iterator[str]:
    """Yield the lines below the headline."""
    facts, context = row["facts"], row.get("context") or {}
    if row["type"] == "digest":
        yield from facts["body"].splitlines()[:-1]  # its last line is its link
    if facts.get("cause"):
        yield facts["cause"]
    if row["type"] in ("failed", "lost"):
        yield _how_often(row, context)
    elif row["type"] == "recovered":
        yield _after(context)
    elif row["type"] == "completed":
        yield f"Completed {moment(row['at'])}."
    yield from _served(row["type"], context)
    if facts.get("owner"):
        yield f"Owner: {facts['owner']}"


def _how_often(row: Row, context: Row) -> str:
    count = context.get("count", 1)
    tries = f", attempt {row['facts']['attempt']}" if (row["facts"].get("attempt") or 1) > 1 else ""
    if count < 2:
        return f"Failed {moment(row['at'])}{tries}."
    ordinal = ORDINALS.get(count)
    failures = f"{ordinal} failure" if ordinal else f"{count} failures"
    return f"{failures} in a row, since {moment(context['since'])}{tries}."


def _after(context: Row) -> str:
    count = context.get("count", 0)
    if not count:
        return "It had failed before."
    failures = "a failure" if count == 1 else f"{count} failures"
    return f"After {failures} since {moment(context['since'])}."


def _served(kind: str, context: Row) -> Iterator[str]:
    if "serving" not in context:
        return
    if context["serving"] is None:
        if kind not in ("completed", "recovered"):
            yield "No image is served."
    elif kind in ("completed", "recovered"):
        yield f"Serving {context['serving']}."
    else:
        yield f"Still serving {context['serving']}, {age(context['serving_age'])} old."


def url_of(row: Row, base: str) -> str:
    """Return the page to look at."""
    if row["type"] == "quarantined":
        return f"{base}/deliveries?outcome=quarantined"
    if row["type"] == "silent-sender":
        return f"{base}/setup"
    if row["type"] == "digest":
        return f"{base}/"
    if row["type"] == "late":
        names = {name: row["facts"][name] for name in DIMENSIONS if row["facts"][name]}
        return f"{base}/image?{urlencode(names)}"
    return f"{base}/builds/{quote(row['facts']['build_number'], safe='')}"


def text_of(row: Row) -> str:
    """Return all that is said of one piece of news, without its link."""
    return "\n".join((headline(row), *details(row)))


def item(row: Row, base: str) -> Json:
    """Return one piece of news as JSON for programs: the shape of docs/notices.md."""
    facts = row["facts"]
    image = {name: facts.get(name) for name in DIMENSIONS} if "platform" in facts else None
    return {
        "type": row["type"],
        "at": row["at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "image": image,
        "build_number": facts.get("build_number"),
        "status": facts.get("status"),
        "current_state": facts.get("current_state"),
        "stage": facts.get("stage"),
        "cause": facts.get("cause") or None,
        "text": text_of(row),
        "url": url_of(row, base),
    }


def document(rows: Sequence[Row], base: str) -> Json:
    """Return the JSON of a message: one item, or `items`."""
    items = [item(row, base) for row in rows]
    return items[0] if len(items) == 1 else {"items": items}


def title(rows: Sequence[Row], *, is_late: bool = False) -> str:
    """Return the first line of a message: of one piece of news its headline, else how many."""
    said = headline(rows[0]) if len(rows) == 1 else _counts(rows)
    return one_line(f"Arrived late: {said}" if is_late else said)


def _counts(rows: Sequence[Row]) -> str:
    parts = []
    for kind in sorted({row["type"] for row in rows}, key=_order):
        own = [row for row in rows if row["type"] == kind]
        causes = len(grouped(own)) if kind == "failed" else 0
        why = f" ({causes} {'cause' if causes == 1 else 'causes'})" if causes else ""
        parts.append(f"{SIGNS.get(kind, OTHER_SIGN)} {len(own)} {kind}{why}")
    return ", ".join(parts)


def _order(kind: str) -> tuple[int, str]:
    return (ORDER.index(kind) if kind in ORDER else len(ORDER), kind)


def body(rows: Sequence[Row], base: str) -> str:
    """Return the text below the title: of one piece of news its details, of several a line each,
    and one line for failures of one cause."""
    if len(rows) == 1:
        return "\n".join((*details(rows[0]), url_of(rows[0], base)))
    lines = []
    for kind in sorted({row["type"] for row in rows}, key=_order):
        own = [row for row in rows if row["type"] == kind]
        if kind in ("failed", "lost"):
            lines += [group_line(group) for group in grouped(own)]
        else:
            lines += [_line(row) for row in own]
    shown = lines[:20]
    if len(lines) > len(shown):
        shown.append(f"… and {len(lines) - len(shown)} more")
    return "\n".join((*shown, _link(rows, base)))


def _link(rows: Sequence[Row], base: str) -> str:
    kinds = {row["type"] for row in rows}
    if "failed" in kinds:
        return f"{base}/failures"
    return f"{base}/notices"


def grouped(rows: Sequence[Row]) -> list[list[Row]]:
    """Return failures by component and shape of their cause, as /failures does, largest first."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        facts = row["facts"]
        key = (row["type"], facts["component"], facts["shape"])
        groups.setdefault(key, []).append(row)
    return sorted(groups.values(), key=lambda group: (-len(group), group[0]["at"]))


def group_line(rows: Sequence[Row]) -> str:
    """Return failures of one cause as one line.

    9 × no route to host, at 25, vSphere: rhel-9/base, rhel-9/hana (Core team)
    """
    if len(rows) == 1:
        return _line(rows[0])
    facts = [row["facts"] for row in rows]
    causes = {each["cause"] for each in facts}
    cause = causes.pop() if len(causes) == 1 else facts[0]["shape"]
    word = rows[0]["type"] if not cause or rows[0]["type"] == "lost" else cause
    parts = (f"{len(rows)} × {word}", _states(facts), _platforms(facts))
    return f"{', '.join(filter(None, parts))}: {_names(facts)}{_owners(facts)}"


def _states(facts: Sequence[Row]) -> str:
    states = sorted({each["current_state"] for each in facts})
    return f"at {states[0]}" if len(states) == 1 else f"at {states[0]} to {states[-1]}"


def _platforms(facts: Sequence[Row]) -> str:
    names = sorted({each["platform_name"] for each in facts if each["platform"] != UNKNOWN})
    return " and ".join(names) if len(names) < 3 else f"{len(names)} platforms"


def _names(facts: Sequence[Row]) -> str:
    """Return the images without what all of them share, some of many."""
    shared = {name for name in ("project", "platform") if len({each[name] for each in facts}) == 1}
    names = [image_name({**each, **dict.fromkeys(shared)}) for each in facts]
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def _owners(facts: Sequence[Row]) -> str:
    owners = sorted({each["owner"] for each in facts if each["owner"]})
    return f" ({', '.join(owners[:3])})" if owners else ""


def _line(row: Row) -> str:
    """Return one piece of news as a line of several."""
    facts = row["facts"]
    why = f": {facts['cause']}" if facts.get("cause") else ""
    owner = f" ({facts['owner']})" if facts.get("owner") else ""
    return f"{headline(row)}{why}{owner}"


def of_test(name: str, base: str, at: datetime) -> tuple[str, str, Json]:
    """Return title, body and JSON of a test message of a notice."""
    said = f"Milepost: a test of the notice {name}"
    text = f"Whoever reads this gets its messages.\n{base}/notices"
    row = {"type": "test", "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    empty = dict.fromkeys(
        ("image", "build_number", "status", "current_state", "stage", "cause"), None
    )
    return said, text, {**row, **empty, "text": said, "url": f"{base}/notices"}
