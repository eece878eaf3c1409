-- The newest builds of one image that count, at most 100, the newest first: of a served branch, and
-- such that ran; among the last 200 of its own, and of those that state no platform and can only be of it.
WITH named AS (
    SELECT
        projects.id AS project_id, platforms.id AS platform_id, os_versions.id AS os_version_id,
        image_types.id AS image_type_id
    FROM platforms
    JOIN os_versions ON os_versions.name = %(os_version)s
    JOIN image_types ON image_types.name = %(image_type)s
    LEFT JOIN projects ON projects.name = %(project)s
    WHERE
        platforms.name = %(platform)s
        AND (%(project)s::text IS NULL OR projects.id IS NOT NULL)
),

alike AS (
    SELECT platform_id FROM named
    UNION
    SELECT platforms.id
    FROM named
    JOIN platforms ON platforms.name = 'unknown'
    WHERE
        'unknown' NOT IN (%(os_version)s, %(image_type)s)
        AND platform_of_image(named.project_id, named.os_version_id, named.image_type_id)
        = named.platform_id
)

SELECT recent.*
FROM named
CROSS JOIN alike
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = coalesce(named.project_id, '00000000-0000-0000-0000-000000000000')
CROSS JOIN LATERAL (
    SELECT
        last.id, last.build_number, last.status, last.attempt, last.start_time, last.end_time,
        last.duration_seconds, last.created_at
    FROM (
        SELECT *
        FROM builds
        WHERE
            coalesce(project_id, '00000000-0000-0000-0000-000000000000')
            = coalesce(named.project_id, '00000000-0000-0000-0000-000000000000')
            AND platform_id = alike.platform_id
            AND os_version_id = named.os_version_id
            AND image_type_id = named.image_type_id
        ORDER BY created_at DESC, id DESC
        LIMIT 200
    ) AS last
    WHERE
        is_of_served_branch(last.branch, last.default_branch, last.pull_request, rules.branches)
        AND (last.status <> 'cancelled' OR last.start_time < last.end_time)
    LIMIT 100
) AS recent
ORDER BY recent.created_at DESC, recent.id DESC
LIMIT 100
