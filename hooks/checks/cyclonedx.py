"""CycloneDX's JSON: a bill of materials, with vulnerabilities where its tool looked for them.

Shapes: https://github.com/CycloneDX/specification/tree/master/schema, bom-1.2 to bom-1.6 (tools is
a list until 1.4, and may be an object of components since 1.5).
"""

from __future__ import annotations

from hooks.checks.report import MOST, SEVERITIES, Json, Report, counted, objects, words, zoned

# States of an analysis by which the image is not affected.
SETTLED = ("resolved", "resolved_with_pedigree", "false_positive", "not_affected")


def fits(document: Json) -> bool:
    """Return whether this is CycloneDX: `bomFormat` is required since 1.2."""
    return document.get("bomFormat") == "CycloneDX"


def read(document: Json) -> Report:
    """Return the number of components, and of vulnerabilities by the worst of their ratings."""
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    counts: Json = {"components": min(_components(document), MOST)}
    fixable: Json | None = None
    if open_ones := [each for each in objects(document.get("vulnerabilities")) if _is_open(each)]:
        counts |= counted(map(_severity, open_ones))
        fixable = counted(_severity(each) for each in open_ones if each.get("recommendation"))
    tool = _tool(metadata.get("tools"))
    return Report(
        "sbom",
        "sbom",
        counts,
        fixable=fixable,
        at=zoned(metadata.get("timestamp")),
        tool=words(tool.get("name")),
        tool_version=words(tool.get("version")),
    )


def _components(document: Json) -> int:
    """Return how many components there are, those within others too."""
    count, waiting = 0, objects(document.get("components"))
    while waiting:
        count += 1
        waiting += objects(waiting.pop().get("components"))
    return count


def _is_open(vulnerability: Json) -> bool:
    analysis = vulnerability.get("analysis")
    return not isinstance(analysis, dict) or analysis.get("state") not in SETTLED


def _severity(vulnerability: Json) -> str:
    """Return the worst severity of several sources; info and none are low at most."""
    found = {str(each.get("severity")).lower() for each in objects(vulnerability.get("ratings"))}
    if found & {"info", "none"}:
        found.add("low")
    return next((severity for severity in SEVERITIES if severity in found), "unknown")


def _tool(tools: object) -> Json:
    listed = objects(tools.get("components") if isinstance(tools, dict) else tools)
    return listed[0] if listed else {}
