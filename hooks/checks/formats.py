"""Which of the formats a report is in, by its content."""

from __future__ import annotations

import json
from collections.abc import Callable

from hooks.checks import cyclonedx, junit, plain, trivy
from hooks.checks.report import Json, Report, wrong

Reader = tuple[Callable[[Json], bool], Callable[[Json], Report]]
READERS: tuple[Reader, ...] = (
    (plain.fits, plain.read),
    (trivy.fits, trivy.read),
    (cyclonedx.fits, cyclonedx.read),
)
# What else is often at hand, by a key that each of these formats requires.
OTHERS = {
    "runs": "SARIF",
    "spdxVersion": "SPDX",
    "matches": "Grype's own JSON",
}
KNOWN = "JUnit's XML, Trivy's JSON, CycloneDX's JSON, or our own (docs/checks.md)"
MARKS = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"  # before the text: byte order marks and white space


def read(data: bytes) -> Report:
    """Return the report in a file's bytes. Raises HookError with one clear line."""
    beginning = data[:1024].lstrip(MARKS)
    if not beginning:
        raise wrong("the file is empty")
    if beginning.startswith(b"<"):
        return junit.read(data)
    if beginning[:1] not in (b"{", b"["):
        raise wrong(f"the file is neither XML nor JSON: give {KNOWN}")
    return _of_json(_document(data))


def _of_json(document: object) -> Report:
    if not isinstance(document, dict):
        raise wrong(f"the JSON is no object: give {KNOWN}")
    for fits, reader in READERS:
        if fits(document):
            return reader(document)
    other = next((name for key, name in OTHERS.items() if key in document), "another format")
    raise wrong(f"the JSON is {other}: give {KNOWN}")


def _document(data: bytes) -> object:
    try:
        return json.loads(data)  # UTF-8, UTF-16 and UTF-32, with a byte order mark or without
    except UnicodeDecodeError as error:
        raise wrong(f"the JSON is not in UTF-8: byte {error.start}") from error
    except RecursionError as error:
        raise wrong("the JSON is nested too deeply") from error
    except ValueError as error:
        raise wrong(f"the JSON is broken or cut off ({error})"[:300]) from error
