"""What a shell completes: numbers of builds, names of dimensions, senders.

A shell asks at each press of a key. So a receiver is asked once, for a moment, and none is started;
whatever goes wrong, nothing is offered, and no word is printed.
"""

import os
from collections.abc import Callable, Mapping

import click

from receiver.errors import MilepostError

Complete = Callable[[click.Context, click.Parameter, str], list[str]]
TIMEOUT = (0.3, 0.7)  # seconds to connect, and for the answer
MOST = 100
TABLES = {
    "platform": "platforms",
    "os_version": "os_versions",
    "image_type": "image_types",
    "project": "projects",
}


def numbers(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """Return the numbers of the newest builds that begin with what is typed."""
    query = {"limit": MOST, "text": typed or None}
    return _beginning(typed, _asked("/api/v1/builds", query, "build_number"))


def names(dimension: str) -> Complete:
    """Return what completes the names of a dimension."""

    def complete(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
        return _beginning(typed, _asked(f"/api/v1/{TABLES[dimension]}", {"limit": MOST}, "name"))

    return complete


def names_of_dimension(
    context: click.Context, _parameter: click.Parameter, typed: str
) -> list[str]:
    """Return the names of the dimension that stands before, as in `milepost rename platform`."""
    dimension = str(context.params.get("dimension") or "").replace("-", "_")
    if dimension not in TABLES:
        return []
    return names(dimension)(context, _parameter, typed)


def senders(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """Return the named senders that the receiver has, and those of the file on this machine."""
    return _beginning(typed, [*_asked("/setup.json", {}, "name"), *_senders_of_file()])


def _senders_of_file() -> list[str]:
    import tomllib

    from receiver.config import load

    try:
        tables = tomllib.loads(load(os.environ).senders.read_text(encoding="utf-8"))["sender"]
        return [str(each["name"]) for each in tables]
    except (MilepostError, OSError, ValueError, LookupError, TypeError):
        return []


def _beginning(typed: str, values: list[str]) -> list[str]:
    return sorted({each for each in values if each and each.startswith(typed)})


def _asked(path: str, query: Mapping[str, object], column: str) -> list[str]:
    """Return one column of the first page of a list; nothing if the receiver is away."""
    import requests

    from receiver.cli.client import base_of
    from receiver.cli.env import hook_settings

    try:
        env = os.environ if os.environ.get("MILEPOST_TOKEN") else hook_settings(os.environ)
        base, token = base_of(env.get("MILEPOST_URL", "")), env.get("MILEPOST_TOKEN", "")
        answer = requests.get(
            f"{base}{path}",
            params={name: str(value) for name, value in query.items() if value is not None},
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        return [str(row[column]) for row in answer.json()["items"]]
    except (MilepostError, requests.RequestException, ValueError, LookupError, TypeError):
        return []
