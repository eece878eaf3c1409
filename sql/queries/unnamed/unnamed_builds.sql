-- Builds of which nobody says what they make, newest first, of the newest 1,000 of these days; builds
-- of other branches and of pull requests left out: build_number, project, platform, os_version,
-- image_type, status, attempt, run_url, run_key, created_at, has_failed (and nobody resolved it).
SELECT
    builds.id, builds.build_number, builds.project, builds.platform, builds.os_version,
    builds.image_type, builds.status, builds.attempt, builds.run_url, builds.created_at,
    (SELECT run_key FROM events WHERE events.build_id = builds.id LIMIT 1) AS run_key,
    builds.status = 'failed' AND EXISTS (
        SELECT FROM build_failures
        WHERE build_id = builds.id AND attempt = builds.attempt AND resolved IS NOT TRUE
    ) AS has_failed
FROM (
    SELECT id, os_version_id, image_type_id
    FROM builds
    WHERE created_at > %(since)s
    ORDER BY created_at DESC, id DESC
    LIMIT 1000
) AS newest
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = newest.id LIMIT 1
) AS builds
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (project_id uuid, branches text [])
    ON rules.project_id = builds.project_id
WHERE
    (
        newest.os_version_id = (SELECT id FROM os_versions WHERE name = 'unknown')
        OR newest.image_type_id = (SELECT id FROM image_types WHERE name = 'unknown')
    )
    AND is_of_served_branch(builds.branch, builds.default_branch, builds.pull_request, rules.branches)
ORDER BY builds.created_at DESC, builds.id DESC
