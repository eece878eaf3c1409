-- Resolve or reopen a failure: build_number, project, and its former resolution.
WITH before AS (
    SELECT id, build_id, coalesce(resolved, false) AS resolved, resolution_notes
    FROM build_failures
    WHERE id = %(id)s
    FOR NO KEY UPDATE
)
UPDATE build_failures
SET
    resolved = %(resolved)s,
    resolution_notes = %(notes)s,
    resolved_at = CASE WHEN %(resolved)s THEN now() END
FROM before
JOIN builds ON builds.id = before.build_id
LEFT JOIN projects ON projects.id = builds.project_id
WHERE build_failures.id = before.id
RETURNING
    builds.build_number, projects.name AS project, before.resolved, before.resolution_notes AS notes
