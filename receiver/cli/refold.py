"""milepost refold: fold the builds again that an older release folded."""

import click

from receiver.cli.database import database_command, database_url, settings
from receiver.cli.output import as_json, print_result
from receiver.config_files import WatchedFile
from receiver.domain.stage_map import StageMap
from receiver.storage import outdated
from receiver.storage.db import open_database


@click.command()
@as_json
@database_command
def refold(as_json: bool) -> None:
    """Fold builds of an older release again, with today's rules.

    The receiver does it by itself after an upgrade, in the background.
    """
    config = settings()
    stages = WatchedFile(config.stages, StageMap.parse, StageMap()).get()
    count = 0
    with open_database(database_url(config)) as database:
        for batch in outdated.refold_all(database, stages):
            count += batch
            click.echo(f"\r{count} builds folded", nl=False, err=True)
    if count:
        click.echo(err=True)
    text = f"{count} builds folded again." if count else "Every build is folded by today's rules."
    print_result(text, {"builds": count}, as_json=as_json)
