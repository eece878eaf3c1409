-- One build by its number, or by one that turned out to be its.
SELECT
    builds.id, builds.build_number, projects.name AS project, platforms.name AS platform,
    os_versions.name AS os_version, image_types.name AS image_type, builds.current_state,
    builds.status, builds.attempt, builds.start_time, builds.end_time, builds.duration_seconds,
    builds.created_by, builds.run_url, builds.commit_sha, builds.branch, builds.last_heard_at, builds.heartbeat_at,
    builds.resume_state, builds.resumed_from, builds.packer_manifest
FROM builds
JOIN platforms ON platforms.id = builds.platform_id
JOIN os_versions ON os_versions.id = builds.os_version_id
JOIN image_types ON image_types.id = builds.image_type_id
LEFT JOIN projects ON projects.id = builds.project_id
WHERE
    builds.id = (
        SELECT id FROM builds WHERE build_number = %(build_number)s
        UNION ALL
        SELECT build_id FROM build_redirects WHERE build_number = %(build_number)s
        LIMIT 1
    )
