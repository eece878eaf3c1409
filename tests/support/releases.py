"""The code of earlier schemas, to run beside today's: tests/samples/releases.

Each archive is made by `git archive COMMIT receiver sql | xz -9e`: the tests need no history.
"""

import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

ARCHIVES = Path(__file__).resolve().parents[1] / "samples" / "releases"
START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from receiver.cli.main import main; main()"
)


@dataclass(frozen=True, slots=True)
class Release:
    """A commit, and the newest migration of its schema.

    `accepts_newer` is whether its `milepost migrate` ends with 0 on a newer schema.
    """

    schema: str
    commit: str
    accepts_newer: bool = True

    def unpack(self, folder: Path) -> list[str]:
        """Write its code into the folder; return the command that runs its `milepost`.

        Its libraries are those of this environment.
        """
        with tarfile.open(ARCHIVES / f"{self.schema}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        return [sys.executable, "-c", START, str(folder)]


# The last commit of some schemas: 0.2.0 in the making, 0.2.0, the first one with today's rules of
# upgrade, and the last one without settings in the database. 0.1.0 needs libraries that are not
# installed any more.
RELEASES = (
    Release("0062_images", "0e69b4f7aaf1222e99b625104e92c69f2153fd19", accepts_newer=False),
    Release("0063_named_builds", "4d09dbb39c302a987d9ef9f69d569bcb92815df6", accepts_newer=False),
    Release("0065_named_build_marks", "ba41cfbfaf5f7090e045bafad72f2f5ff6a3ba9d"),
    Release("0156_ended_builds", "00a37f4de4338ef29b91f5c81a55fc6f98162535"),
)
