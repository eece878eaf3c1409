"""Payloads in the shape of each sender, one file a case: tests/samples/<source>/<case>.json."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from tests.support import ROOT

SAMPLES = ROOT / "tests" / "samples"
ROUTE_FILE = SAMPLES / "routes.toml"  # which of the samples' jobs are image builds
ROUTES = ROUTE_FILE.read_text()

Json = dict[str, Any]


def sample(source: str, case: str, **changes: Any) -> Json:
    """Return a payload with changes: `build__number=5` sets `number` of its `build`."""
    document = orjson.loads(_bytes(SAMPLES / source / f"{case}.json"))
    places = {name.replace("__", "."): value for name, value in changes.items()}
    result: Json = changed(document, places)
    return result


def changed(document: Any, changes: dict[str, Any]) -> Any:
    """Set the value at each dotted path, as `builds.0.name`; the empty path is the whole."""
    for path, value in changes.items():
        *parents, last = path.split(".")
        target = document
        for key in parents:
            target = target[_key(target, key)]
        if path:
            target[_key(target, last)] = value
        else:
            document = value
    return document


def places(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted path of every field, the whole's first."""
    yield path
    inner: Any = ()
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner:
        yield from places(each, f"{path}.{key}" if path else str(key))


def cases(source: str) -> list[str]:
    """Return the names of a source's samples."""
    return sorted(path.stem for path in (SAMPLES / source).glob("*.json"))


def _key(target: Any, key: str) -> str | int:
    return int(key) if isinstance(target, list) else key


@cache
def _bytes(path: Path) -> bytes:
    return path.read_bytes()
