-- Lock builds until the transaction ends, in one order: id, build_number, project, manifest_sha256.
SELECT builds.id, builds.build_number, builds.manifest_sha256, projects.name AS project
FROM builds
LEFT JOIN projects ON projects.id = builds.project_id
WHERE builds.id = ANY(%(build_ids)s)
ORDER BY builds.id
FOR NO KEY UPDATE OF builds -- events that others add meanwhile hold a key share lock
