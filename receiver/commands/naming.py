"""milepost rename and milepost merge: repair names, with all their builds."""

import click

from receiver import renaming
from receiver.commands.common import command, connection

DIMENSIONS = click.Choice(["platform", "os-version", "image-type", "project"])


@click.command()
@click.argument("dimension", type=DIMENSIONS)
@click.argument("old")
@click.argument("new")
@command
def rename(dimension: str, old: str, new: str) -> None:
    """Rename a platform, OS version, image type or project; what reports OLD is of NEW."""
    if not new.strip() or len(new) > 200:
        raise click.BadParameter("1 to 200 characters", param_hint="NEW")
    with connection() as database:
        renaming.rename(database, dimension.replace("-", "_"), old, new)
    click.echo(f"{old} is {new} now.")


@click.command()
@click.argument("dimension", type=DIMENSIONS)
@click.argument("old")
@click.argument("into")
@command
def merge(dimension: str, old: str, into: str) -> None:
    """Move all builds of OLD to INTO; what reports OLD is of INTO."""
    with connection() as database:
        moved = renaming.merge(database, dimension.replace("-", "_"), old, into)
    click.echo(f"{old} is {into} now: {moved} build{'' if moved == 1 else 's'} moved.")
