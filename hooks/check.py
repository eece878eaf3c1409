"""`milepost-hook check`: print what a report would say, and send a test that makes no build."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hooks import client, identity, links, signing
from hooks.client import Deadline
from hooks.forges import Value

Env = Mapping[str, str]


def run(options: Any, env: Env, deadline: Deadline) -> None:
    """Print each identity value with its origin, send a test, print the URL of the build."""
    for name, value in identity.details(vars(options), env).items():
        _show(name, value)
    for warning in warnings(vars(options), env):
        print(f"warning: {warning}")
    values = identity.identity(vars(options), env)
    _show("build_number", values["build_number"])
    is_bearer = signing.secret_of(env).startswith(signing.BEARER)
    _show("secret", Value("a bearer token" if is_bearer else "a key", "MILEPOST_SECRET"))
    test = client.envelope(values, [{"kind": "heartbeat", "at": client.now()}])
    answer = client.send(test, env, deadline)
    print(f"\nThe receiver accepted a signed test: {json.dumps(answer)}")
    print(f"Look at: {links.build(env, values)}")


def warnings(flags: identity.Flags, env: Env) -> list[str]:
    """Return what makes legs of a matrix hard to tell apart; the GitHub action passes the matrix.

    A key that a matrix does not have is empty in an expression, without an error:
    https://docs.github.com/en/actions/reference/workflows-and-actions/contexts
    """
    values = identity.details(flags, env)
    said = {values[name].text for name in identity.DIMENSIONS}
    try:
        matrix = json.loads(env.get("MILEPOST_MATRIX") or "{}")
    except ValueError:
        matrix = {}
    legs = matrix.items() if isinstance(matrix, dict) else ()
    return [
        f"matrix.{name} is empty"
        if text in ("", None)
        else f"matrix.{name} ({text}) is in no setting: does the workflow name another key?"
        for name, text in legs
        if text in ("", None) or (not isinstance(text, (dict, list)) and str(text) not in said)
    ]


def _show(name: str, value: Value) -> None:
    print(f"{name:14} {value.text or '-'}   ({value.origin})")
