"""Runs of Packer as each release and builder prints them, made from their wordings.

`printed` is how the releases print them (packer/ui.go, command/build.go).
"""

from collections.abc import Iterator

from tests.support.packer_words import BUILDERS, Words

RELEASES = ("1.6.6", "1.10.0", "1.13.0", "1.15.1", "1.16.0")
FORMS = ("colour", "plain", "timestamp-ui", "machine-readable")
ENDS = ("finished", "failed", "cut")
GOOD = ("scripts/base-config.sh", "scripts/harden.sh")
CAUSE = "harden.sh: line 7: svc-scan: command not found"
# What a script may print, too: words of Packer, of its builders and of its verdicts.
WORDS = (
    "Connected to SSH!",
    "Stopping the source instance...",
    "this is a script's line",
    "Creating image...",
    "Creating config template...",
    "Instance ID: i-0fffffffffffffff0",
    "Running post-processor: nothing",
    "still a script",
    "Build 'other' finished after 1 second.",
    "==> Builds finished. The artifacts of successful builds are:",
    r"a\nBuild '{target}' finished after 1 second.\n--> {target}: AMIs were created:\n",
    "Deleting resource group",
)


def target_of(kind: str) -> str:
    """Return the target's name, as of an HCL2 template with a named build."""
    return f"web.{kind}.golden"


def printed(kind: str, release: str, form: str, end: str) -> str:
    """Return what this release prints of a run of this builder; `cut` ends within a script."""
    words, printer = BUILDERS[kind], Printer(target_of(kind), release, form)
    if release == "1.6.6":
        words = Words(**{**words._asdict(), **words.before})
    lines = printer.header() + printer.messages(words.start)
    if kind != "file":
        lines += _provisioning(printer, kind)
    if end == "cut":
        return "".join(lines)
    if end == "failed" and kind != "file":
        lines += printer.failure(words.cleanup)
        return "".join(lines)
    lines += printer.messages(words.image + "|" + words.cleanup)
    lines += printer.success(words.summary)
    return "".join(lines)


def _provisioning(printer: "Printer", kind: str) -> list[str]:
    lines = printer.messages(
        "> Using docker communicator to connect: 192.0.2.2"
        if kind == "docker"
        else "> Waiting for SSH to become available...|> Connected to SSH!"
    )
    for script in GOOD:
        lines += printer.messages(f"> Provisioning with shell script: {script}")
        lines += [printer.script(word) for word in WORDS]
    return [*lines, printer.script(CAUSE)]


class Printer:
    """Prints messages as a release does in one of its forms."""

    def __init__(self, target: str, release: str, form: str) -> None:
        self.target = target
        self.form = form
        self.is_marked = tuple(map(int, release.split("."))) >= (1, 13)
        self.is_old = release == "1.6.6"

    def header(self) -> list[str]:
        """Return the lines that name the targets, with colours alone."""
        return [*self._core(f"{self.target}: output will be in this color."), "\n"] * (
            self.form in ("colour", "timestamp-ui")
        )

    def messages(self, words: str) -> list[str]:
        """Return messages of the builder, or of Packer about it."""
        return [
            self._said(each[2:], each[0] == ">" or self.is_marked)
            for each in words.split("|")
            if each
        ]

    def script(self, text: str) -> str:
        """Return a line that a script prints."""
        return self._said(text.format(target=self.target), self.is_marked)

    def success(self, summary: str) -> list[str]:
        """Return the end of a run whose build is complete."""
        return [
            *self.messages(
                "> Running post-processor:  (type manifest)"
                if self.is_old
                else "> Running post-processor: manifest"
            ),
            *self._core(f"Build '{self.target}' finished after 5 minutes 19 seconds."),
            *self._core("\n==> Wait completed after 5 minutes 19 seconds"),
            *self._core("\n==> Builds finished. The artifacts of successful builds are:"),
            *self._core(f"--> {self.target}: {summary}"),
            *self._core(f"--> {self.target}: {summary}"),
        ]

    def failure(self, cleanup: str) -> list[str]:
        """Return the end of a run whose last script failed."""
        error = "Script exited with non-zero exit status: 127. Allowed exit codes are: [0]"
        errors = "> Provisioning step had errors: Running the cleanup provisioner, if present...|"
        return [
            *self.messages(errors + cleanup),
            *self._core(f"Build '{self.target}' errored after 4 minutes 2 seconds: {error}"),
            *self._core("\n==> Wait completed after 4 minutes 2 seconds"),
            *self._core("\n==> Some builds didn't complete successfully and had errors:"),
            *self._core(f"--> {self.target}: {error}"),
            *self._core("\n==> Builds finished but no artifacts were created."),
        ]

    def _said(self, text: str, has_mark: bool) -> str:
        line = f"{'==>' if has_mark else '   '} {self.target}: {text}".rstrip()
        bold = 1 if has_mark else 0
        if self.form == "machine-readable":
            return self._record("say" if has_mark else "message", line)
        if self.form == "colour":
            return f"\x1b[{bold};32m{line}\x1b[0m\n"
        time = "2026-11-30T07:00:00+01:00: " if self.form == "timestamp-ui" else ""
        return f"{time}{line}\n"

    def _core(self, text: str) -> Iterator[str]:
        """Yield what Packer says of itself, which has no target's name before it."""
        yield self._record("say", text) if self.form == "machine-readable" else f"{text}\n"

    @staticmethod
    def _record(kind: str, text: str) -> str:
        data = text.replace(",", "%!(PACKER_COMMA)").replace("\n", "\\n")
        return f"1800000000,,ui,{kind},{data}\n"
