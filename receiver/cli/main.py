"""The command `milepost`: a table of its commands, each imported when it is called."""

import sys
from importlib import import_module
from io import TextIOWrapper
from typing import cast

import click

from receiver import __version__

# Name: module, and the first sentence of its help.
COMMANDS = {
    "artifact": ("manual", "Add an artifact to a build."),
    "audit": ("audit", "List the changes in the audit trail, newest first."),
    "backup": ("backup", "Write the whole database to FILE, in pg_dump's own format."),
    "behind": ("lineage", "List the images whose base has a newer good build."),
    "build": ("builds", "Show one build with its states, failures and artifacts."),
    "builds": ("builds", "List builds, newest first; in another order at most 100."),
    "cancel": ("manual", "Cancel a build that is pending or running."),
    "channel": ("channels", "Channels such as prod: the build of each image that people chose."),
    "checks": ("lineage", "List the checks of a build: tests, scans, bills of materials."),
    "confirm": ("confirmed_images", "State an image whose names are only inferred."),
    "create": ("manual", "Create a build before its first report."),
    "db": ("schema", "The database in use."),
    "deliveries": ("deliveries", "List deliveries, newest first."),
    "demo": (
        "demo",
        "Fill the receiver of `make run` with nights to look at, and run Packer there.",
    ),
    "doctor": ("doctor", "Check settings, secrets, clock, database, schema and senders."),
    "env": ("env", "Print the hook settings of the receiver of `make run`, for a shell's eval."),
    "fail": ("manual", "Report that a stage of a build failed, and why."),
    "failures": ("failures", "List failures, newest first."),
    "images": ("builds", "List the latest good images, each of a completed build."),
    "lineage": ("lineage", "Show what a build descends from, and what descends from it."),
    "merge": ("merges", "Move all builds of OLD to INTO; OLD becomes an alias."),
    "migrate": ("schema", "Bring the database to this release's schema."),
    "notice": ("notices", "Try the notices of the settings."),
    "notices": ("notices", "List what was told, what waits and what failed, newest first."),
    "prune": ("backup", "Delete the raw bodies of older deliveries; their events stay."),
    "redeliver": ("redeliver", "Have a forge send again what a receiver did not take."),
    "refold": ("refold", "Fold builds of an older release again, with today's rules."),
    "rename": ("dimensions", "Rename a platform, OS version, image type or project."),
    "reopen": ("failures", "Mark a failure open again."),
    "replay": ("deliveries", "Parse stored deliveries again, with today's rules."),
    "resolve": ("failures", "Mark a failure resolved."),
    "restore": ("backup", "Take a revocation back; or fill an empty database from a backup."),
    "resume": ("builds", "Show the state that has to run next, and the artifact to start from."),
    "revoke": ("revocations", "Say that a build's image is not to be used any more."),
    "routes": ("routes", "Find the jobs of a forge that are image builds."),
    "sender": ("senders", "Named senders, each with a secret of its own."),
    "serve": ("serve", "Serve webhooks, pages and API with gunicorn."),
    "settings": ("settings", "Settings in the database, which all receivers share."),
    "state": ("manual", "Report that a stage of a build started or ended."),
    "stats": ("builds", "Show statistics of builds: in short, by combination, or by state."),
    "token": ("tokens", "Tokens for pages and API."),
}


class LazyCommand(click.Command):
    """The name and help of a command, without its module."""

    def __init__(self, name: str, module: str, help: str) -> None:  # noqa: A002  # click's word
        super().__init__(name, help=help)
        self._module = module

    def load(self) -> click.Command:
        """Import the command."""
        module = import_module(f"receiver.cli.{self._module}")
        return cast(click.Command, getattr(module, str(self.name)))


class LazyGroup(click.Group):
    """A group that imports the one command that is called."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest


@click.group(
    cls=LazyGroup,
    commands={name: LazyCommand(name, *entry) for name, entry in COMMANDS.items()},
)
@click.version_option(__version__)
def main() -> None:
    """Where is every image build, from 0 to 100, and what came out of it?"""
    for stream in (sys.stdout, sys.stderr):  # what a terminal in Latin-1 lacks is escaped
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
