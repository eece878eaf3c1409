-- The latest build of every combination, with one index lookup for each.
WITH RECURSIVE latest AS (
    (
        SELECT id, coalesce(project_id, '00000000-0000-0000-0000-000000000000') AS project_id, platform_id, os_version_id, image_type_id
        FROM builds
        ORDER BY
            coalesce(project_id, '00000000-0000-0000-0000-000000000000'), platform_id, os_version_id, image_type_id,
            created_at DESC, id DESC
        LIMIT 1
    )
    UNION ALL
    SELECT next.*
    FROM latest
    CROSS JOIN LATERAL (
        SELECT
            builds.id, coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'),
            builds.platform_id, builds.os_version_id, builds.image_type_id
        FROM builds
        WHERE
            (
                coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'),
                builds.platform_id, builds.os_version_id, builds.image_type_id
            ) > (latest.project_id, latest.platform_id, latest.os_version_id, latest.image_type_id)

        ORDER BY
            coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000'), builds.platform_id,
            builds.os_version_id, builds.image_type_id, builds.created_at DESC, builds.id DESC
        LIMIT 1
    ) AS next
)
SELECT
    builds.id, builds.build_number, builds.project, builds.platform, builds.cloud_provider,
    builds.os_version, builds.image_type, builds.current_state, builds.status, builds.attempt,
    builds.start_time, builds.end_time, builds.duration_seconds, builds.created_at,
    builds.last_heard_at, builds.heartbeat_at, builds.inferred,
    coalesce(builds.estimated, false) AS estimated, artifact.artifact_id, artifact.region
FROM latest
JOIN named_builds AS builds ON builds.id = latest.id
LEFT JOIN LATERAL (
    SELECT artifact_id, region FROM artifacts WHERE build_id = builds.id ORDER BY place DESC LIMIT 1
) AS artifact ON true
ORDER BY
    builds.platform, builds.major_version, builds.minor_version, builds.os_version,
    builds.image_type, builds.project, artifact.region
