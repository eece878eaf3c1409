"""milepost confirm: state an image whose names are only inferred."""

import click

from receiver.cli.client import open_client
from receiver.cli.output import as_json, command, print_result, print_rows
from receiver.domain.model import DIMENSIONS, Json

COLUMNS = (*DIMENSIONS, "confirmed_by", "confirmed_at")


@click.command()
@click.argument("image", nargs=-1, metavar="[PLATFORM OS_VERSION IMAGE_TYPE]")
@click.option("--project", help="The project of its builds; left out where they have none.")
@click.option("--undo", is_flag=True, help="Take it back.")
@as_json
@command
def confirm(image: tuple[str, ...], project: str | None, undo: bool, as_json: bool) -> None:
    """State an image whose names are only inferred.

    Its builds count as stated from then on, so that `milepost images` lists what they make. Without
    arguments: list the confirmed images.
    """
    if len(image) not in (0, 3):
        raise click.UsageError("Name the platform, the OS version and the image type.")
    with open_client() as client:
        if not image:
            print_rows(client.confirmed_images(), COLUMNS, as_json=as_json)
            return
        names: Json = {"project": project, **dict(zip(DIMENSIONS[1:], image, strict=True))}
        if undo:
            client.take_back(names)
        else:
            client.confirm(names)
    words = "is no longer confirmed" if undo else "is confirmed"
    text = f"{' · '.join(filter(None, names.values()))} {words}."
    print_result(text, {**names, "confirmed": not undo}, as_json=as_json)
