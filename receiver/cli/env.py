"""milepost env: the hook settings of the receiver that `make run` serves."""

import os
import shlex

import click

from receiver.cli import local
from receiver.cli.output import as_json, command, print_result


@click.command()
@as_json
@command
def env(as_json: bool) -> None:
    """Print the hook settings of the receiver of `make run`, for a shell's eval."""
    settings = local.hook_settings(os.environ)
    lines = (f"export {name}={shlex.quote(value)}" for name, value in settings.items())
    print_result("\n".join(lines), settings, as_json=as_json)
