-- A page of failures with their builds, newest first, from behind a position on; status is open,
-- resolved or all.
SELECT
    failures.id, builds.build_number, projects.name AS project, platforms.name AS platform,
    os_versions.name AS os_version, image_types.name AS image_type, failures.stage,
    failures.state, failures.attempt, failures.failure_type, failures.error_message,
    failures.component, failures.created_at, failures.resolved_at, failures.resolution_notes,
    builds.status, builds.attempt > failures.attempt AS is_past
FROM (
    SELECT *
    FROM build_failures
    WHERE
        (
            %(status)s::text = 'all'
            OR (%(status)s = 'open' AND resolved IS NOT TRUE)
            OR (%(status)s = 'resolved' AND resolved)
        )
        AND (
            %(after_time)s::timestamptz IS NULL
            OR (created_at, id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
        )
    ORDER BY created_at DESC, id DESC
    LIMIT %(limit)s
) AS failures
JOIN builds ON builds.id = failures.build_id
JOIN platforms ON platforms.id = builds.platform_id
JOIN os_versions ON os_versions.id = builds.os_version_id
JOIN image_types ON image_types.id = builds.image_type_id
LEFT JOIN projects ON projects.id = builds.project_id
ORDER BY failures.created_at DESC, failures.id DESC
