-- How a build stands, locked: build_number, project, status, current_state, attempt.
SELECT
    builds.build_number, projects.name AS project, builds.status, builds.current_state,
    builds.attempt
FROM builds
LEFT JOIN projects ON projects.id = builds.project_id
WHERE
    builds.id = (
        SELECT id FROM builds WHERE build_number = %(build_number)s
        UNION ALL
        SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
        LIMIT 1
    )
FOR NO KEY UPDATE OF builds
