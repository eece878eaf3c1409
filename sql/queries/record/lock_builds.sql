-- Lock builds until the transaction ends, in one order: id, build_number, project, native,
-- manifest_sha256, and what the fold last wrote, if that still stands.
SELECT
    builds.id, builds.build_number, builds.manifest_sha256, builds.native, projects.name AS project,
    CASE WHEN builds.written_at = builds.updated_at THEN builds.written END AS written
FROM builds
LEFT JOIN projects ON projects.id = builds.project_id
WHERE builds.id = ANY(%(build_ids)s::uuid[])
ORDER BY builds.id
FOR NO KEY UPDATE OF builds -- events that others add meanwhile hold a key share lock
