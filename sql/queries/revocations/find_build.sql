-- A build by its number or one that leads to it: id, build_number, project, attempt, and whether it is
-- revoked or will be (is_revoked).
SELECT
    builds.id, builds.build_number, projects.name AS project, builds.attempt,
    EXISTS (
        SELECT FROM revocations WHERE build_id = builds.id AND restored_at IS NULL
    ) AS is_revoked
FROM builds
LEFT JOIN projects ON projects.id = builds.project_id
WHERE
    builds.id = (
        SELECT id FROM builds WHERE build_number = %(build_number)s
        UNION ALL
        SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
        LIMIT 1
    )
