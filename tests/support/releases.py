"""The code of earlier schemas, out of this repository's own history, to run beside today's."""

import subprocess
import sys
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
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

        Its libraries are those of this environment. Raises AssertionError without the history.
        """
        done = subprocess.run(
            ["git", "-C", str(ROOT), "archive", self.commit, "receiver", "sql"],
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, (
            f"The commit {self.commit} is missing, so the release of schema {self.schema} cannot "
            f"run: this test needs a clone with its history (git fetch --unshallow).\n"
            f"{done.stderr.decode()}"
        )
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        return [sys.executable, "-c", START, str(folder)]


# The last commit of each of the last three schemas: 0.2.0 in the making, 0.2.0, and the first one
# with today's rules of upgrade. 0.1.0 needs libraries that are not installed any more.
RELEASES = (
    Release("0062_images", "0e69b4f7aaf1222e99b625104e92c69f2153fd19", accepts_newer=False),
    Release("0063_named_builds", "4d09dbb39c302a987d9ef9f69d569bcb92815df6", accepts_newer=False),
    Release("0065_named_build_marks", "ba41cfbfaf5f7090e045bafad72f2f5ff6a3ba9d"),
)
