-- A build and its neighbours in its combination: 30 before it, one after it.
SELECT
    near.build_number, near.status, near.current_state, near.start_time, near.end_time,
    near.duration_seconds, near.commit_sha, near.branch, near.place,
    (
        SELECT artifact_id FROM artifacts WHERE build_id = near.id ORDER BY artifacts.place DESC LIMIT 1
    ) AS artifact_id
FROM builds
CROSS JOIN LATERAL (
    (
        SELECT other.*, 'before' AS place
        FROM builds AS other
        WHERE
            coalesce(other.project_id, '00000000-0000-0000-0000-000000000000') = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
            AND other.platform_id = builds.platform_id
            AND other.os_version_id = builds.os_version_id
            AND other.image_type_id = builds.image_type_id
            AND (other.created_at, other.id) < (builds.created_at, builds.id)
        ORDER BY other.created_at DESC, other.id DESC
        LIMIT 30
    )
    UNION ALL
    SELECT builds.*, 'this'
    UNION ALL
    (
        SELECT other.*, 'after'
        FROM builds AS other
        WHERE
            coalesce(other.project_id, '00000000-0000-0000-0000-000000000000') = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
            AND other.platform_id = builds.platform_id
            AND other.os_version_id = builds.os_version_id
            AND other.image_type_id = builds.image_type_id
            AND (other.created_at, other.id) > (builds.created_at, builds.id)
        ORDER BY other.created_at, other.id
        LIMIT 1
    )
) AS near
WHERE builds.build_number = %(build_number)s
ORDER BY near.created_at, near.id
