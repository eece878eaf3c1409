-- The newest open failures with their builds, at most 300 of the newest 1,000.
SELECT
    failures.id, builds.build_number, projects.name AS project, platforms.name AS platform,
    os_versions.name AS os_version, image_types.name AS image_type, failures.stage,
    failures.state, failures.attempt, failures.failure_type, failures.error_message,
    failures.component, failures.created_at, failures.resolved_at, failures.resolution_notes,
    builds.status, builds.attempt > failures.attempt AS is_past
FROM (
    SELECT * FROM build_failures WHERE resolved IS NOT TRUE ORDER BY created_at DESC, id DESC LIMIT 1000
) AS failures
JOIN builds ON builds.id = failures.build_id
JOIN platforms ON platforms.id = builds.platform_id
JOIN os_versions ON os_versions.id = builds.os_version_id
JOIN image_types ON image_types.id = builds.image_type_id
LEFT JOIN projects ON projects.id = builds.project_id
WHERE %(everything)s OR builds.status <> 'completed'
ORDER BY failures.created_at DESC, failures.id DESC
LIMIT 300
