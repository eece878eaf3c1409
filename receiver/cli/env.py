"""milepost env: the hook settings of the receiver that `make run` serves."""

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from receiver.cli.output import as_json, command, print_result
from receiver.errors import MilepostError
from receiver.settings.data_directory import data_dir

HOOK_FILE = "hook.json"  # in the folder of secrets; `milepost serve --local` writes it


@click.command()
@as_json
@command
def env(as_json: bool) -> None:
    """Print the hook settings of the receiver of `make run`, for a shell's eval."""
    settings = hook_settings(os.environ)
    lines = (f"export {name}={shlex.quote(value)}" for name, value in settings.items())
    print_result("\n".join(lines), settings, as_json=as_json)


def hook_settings(env: Mapping[str, str]) -> dict[str, str]:
    """Return the hook settings that the last local receiver saved.

    Raises MilepostError if no local receiver has run with this data directory.
    """
    path = secrets_folder(env) / HOOK_FILE
    try:
        settings: dict[str, str] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise MilepostError(
            f"No receiver has run in {path.parents[1]}: start one with `make run`."
        ) from None
    except OSError as error:
        raise MilepostError(f"Cannot read {path}: {error.strerror}.") from error
    return settings


def secrets_folder(env: Mapping[str, str]) -> Path:
    """Return the folder of the secrets that a local receiver generates."""
    return data_dir(env) / "secrets"
