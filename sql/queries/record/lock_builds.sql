-- Lock builds until the transaction ends, in one order: id, build_number, project_id, status, attempt,
-- manifest_sha256, fold_version, map_version, the newest version of the stage map, and what the fold
-- last wrote, if that still stands.
SELECT
    id, build_number, project_id, status, attempt, manifest_sha256, fold_version, map_version,
    (SELECT version FROM settings_versions WHERE kind = 'stages') AS newest_map,
    CASE WHEN written_at = updated_at THEN written END AS written
FROM builds
WHERE id = ANY(%(build_ids)s::uuid[])
ORDER BY id
FOR NO KEY UPDATE -- events that others add meanwhile hold a key share lock
