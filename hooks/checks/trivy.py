"""Trivy's JSON: `trivy image|vm|rootfs --format json`.

Shapes: https://github.com/aquasecurity/trivy/blob/main/pkg/types/report.go (SchemaVersion 2:
Results with Vulnerabilities, Misconfigurations, Secrets; CreatedAt; Trivy.Version, since 0.69;
Trivy.Server of client/server mode alone tells the time of the database).
"""

from __future__ import annotations

from collections.abc import Iterator

from hooks.checks.report import Json, Report, counted, objects, words, zoned


def fits(document: Json) -> bool:
    """Return whether this is Trivy's: without a finding it has no Results."""
    return "SchemaVersion" in document and ("ArtifactName" in document or "Results" in document)


def read(document: Json) -> Report:
    """Return the counts of what was found, each once a package, as Trivy counts it."""
    found = list(_findings(document))
    own = document.get("Trivy")
    trivy = own if isinstance(own, dict) else {}
    server = trivy.get("Server")
    database = server.get("VulnerabilityDB") if isinstance(server, dict) else None
    updated_at = database.get("UpdatedAt") if isinstance(database, dict) else None
    return Report(
        "trivy",
        "scan",
        counted(severity for severity, _ in found),
        fixable=counted(severity for severity, is_fixable in found if is_fixable),
        at=zoned(document.get("CreatedAt")),
        tool="trivy",
        tool_version=words(trivy.get("Version")),
        database_at=zoned(updated_at),
    )


def _findings(document: Json) -> Iterator[tuple[object, bool]]:
    """Yield (severity, whether it has a fix); licences are no findings."""
    for result in objects(document.get("Results")):
        for each in objects(result.get("Vulnerabilities")):
            yield each.get("Severity"), bool(each.get("FixedVersion"))
        for each in objects(result.get("Misconfigurations")):
            if each.get("Status") == "FAIL":
                yield each.get("Severity"), False
        for each in objects(result.get("Secrets")):
            yield each.get("Severity"), False
