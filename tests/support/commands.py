"""The commands of `milepost`, imported."""

from collections.abc import Iterator

import click

from receiver.cli.main import LazyCommand, main


def every_command(group: click.Group = main, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield each command that is no group, with its words behind `milepost`."""
    for name, each in group.commands.items():
        command = each.load() if isinstance(each, LazyCommand) else each
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command
