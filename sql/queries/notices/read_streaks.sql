-- The newest verdicts of the images of these builds up to each build, newest first, of served
-- branches: of_build, status, start_time, end_time. A build that states no platform is of the image
-- where that has one platform alone.
SELECT given.id AS of_build, recent.status, recent.start_time, recent.end_time
FROM unnest(%(build_ids)s::uuid[]) AS given (id)
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = given.id LIMIT 1
) AS builds
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = builds.project_id
CROSS JOIN LATERAL (
    SELECT builds.platform_id AS id
    UNION
    SELECT platforms.id
    FROM platforms
    WHERE
        platforms.name = 'unknown'
        AND platform_of_image(builds.project_id, builds.os_version_id, builds.image_type_id)
        = builds.platform_id
) AS of_platform
CROSS JOIN LATERAL (
    SELECT newest.*
    FROM (
        SELECT *
        FROM builds AS earlier
        WHERE
            coalesce(earlier.project_id, '00000000-0000-0000-0000-000000000000')
            = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
            AND earlier.platform_id = of_platform.id
            AND earlier.os_version_id = builds.os_version_id
            AND earlier.image_type_id = builds.image_type_id
        ORDER BY earlier.created_at DESC, earlier.id DESC
        LIMIT 60
    ) AS newest
    WHERE
        newest.status IN ('failed', 'completed')
        AND newest.created_at <= builds.created_at
        AND is_of_served_branch(
            newest.branch, newest.default_branch, newest.pull_request, rules.branches
        )
) AS recent
WHERE 'unknown' NOT IN (builds.os_version, builds.image_type)
ORDER BY given.id, recent.created_at DESC, recent.id DESC
