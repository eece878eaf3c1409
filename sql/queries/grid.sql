-- The latest build of every combination.
SELECT DISTINCT ON (platforms.name, os_versions.name, image_types.name, projects.name)
    builds.build_number, projects.name AS project, platforms.name AS platform,
    os_versions.name AS os_version, image_types.name AS image_type, builds.current_state,
    builds.status, builds.attempt, builds.start_time, builds.end_time, builds.duration_seconds,
    builds.last_heard_at, builds.heartbeat_at
FROM builds
JOIN platforms ON platforms.id = builds.platform_id
JOIN os_versions ON os_versions.id = builds.os_version_id
JOIN image_types ON image_types.id = builds.image_type_id
LEFT JOIN projects ON projects.id = builds.project_id
ORDER BY
    platforms.name, os_versions.name, image_types.name, projects.name, builds.created_at DESC,
    builds.id DESC
