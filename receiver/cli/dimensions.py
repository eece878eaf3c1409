"""milepost rename: correct the name of a dimension."""

import click

from receiver.cli import completion
from receiver.cli.database import actor, connection, database_command
from receiver.cli.output import as_json, print_result
from receiver.storage import dimension_admin

DIMENSIONS = click.Choice(["platform", "os-version", "image-type", "project"])


@click.command()
@click.argument("dimension", type=DIMENSIONS)
@click.argument("old", shell_complete=completion.names_of_dimension)
@click.argument("new")
@as_json
@database_command
def rename(dimension: str, old: str, new: str, as_json: bool) -> None:
    """Rename a platform, OS version, image type or project.

    OLD becomes an alias: reports that still name it count for NEW.
    """
    if not new.strip() or len(new) > 200:
        raise click.BadParameter("1 to 200 characters", param_hint="NEW")
    with connection() as database:
        dimension_admin.rename_row(database, dimension.replace("-", "_"), old, new, actor())
    print_result(f"{old} is {new} now.", {"old": old, "new": new}, as_json=as_json)
