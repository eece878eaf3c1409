"""`python -m tests.fuzz SECONDS [TARGET…]`: each target so long, guided by the code it reaches.

atheris (libFuzzer) ends the process of a target that fails, so each runs in one of its own; its
corpus is kept in build/fuzz, and the next run begins there.
"""

import re
import subprocess
import sys

import atheris

from tests.support import ROOT

LONGEST_SECONDS = 5  # for one input; a real one takes milliseconds
MOST_MEGABYTES = 1_024
LONGEST = 65_536


def run(name: str, seconds: int, *options: str) -> tuple[int, int]:
    """Run one target in a process of its own; return its exit code and the number of inputs."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz",
            f"--target={name}",
            f"-max_total_time={seconds}",
            *options,
        ],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    counts = re.findall(r"^#(\d+)\s", done.stderr, re.MULTILINE)
    if done.returncode:
        sys.stderr.write(done.stderr[-5_000:] + done.stdout[-5_000:])
    return done.returncode, int(counts[-1]) if counts else 0


def _fuzz(name: str, options: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    with atheris.instrument_imports(include=["receiver"]):
        from tests.fuzz.targets import TARGETS, seeds
    corpus = ROOT / "build" / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    artifacts = f"-artifact_prefix={ROOT / 'build' / 'fuzz'}/{name}-"
    limits = [
        f"-timeout={LONGEST_SECONDS}",
        f"-rss_limit_mb={MOST_MEGABYTES}",
        f"-max_len={LONGEST}",
    ]
    atheris.Setup([sys.argv[0], str(corpus), artifacts, *limits, *options], TARGETS[name])
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Run every target, or the named ones; return 1 if one fails."""
    from tests.fuzz.targets import TARGETS

    seconds, names = int(arguments[0]), arguments[1:] or list(TARGETS)
    results = {name: run(name, seconds) for name in names}
    for name, (code, count) in results.items():
        print(f"{name:12} {count:>10} inputs  {'FAILED' if code else 'ok'}")
    print(f"{'all':12} {sum(count for _, count in results.values()):>10} inputs")
    return 1 if any(code for code, _ in results.values()) else 0


if __name__ == "__main__":
    if sys.argv[1].startswith("--target="):
        _fuzz(sys.argv[1].partition("=")[2], sys.argv[2:])
    sys.exit(main(sys.argv[1:]))
