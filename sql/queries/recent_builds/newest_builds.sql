-- The newest builds of every image that count, those that began last first: of a served branch, and
-- such that ran. Of each image at most `per_image`, and of all about `most`, but never fewer than
-- `fewest` of each; among its last 100. `began_at` is the start of its first attempt.
WITH images AS MATERIALIZED (
    SELECT
        images.*, projects.name AS project, os_versions.name AS os_version,
        image_types.name AS image_type, platforms.name AS platform, platforms.cloud_provider,
        os_versions.major_version, os_versions.minor_version
    FROM built_images() AS images
    JOIN platforms AS own ON own.id = images.platform_id
    JOIN os_versions ON os_versions.id = images.os_version_id
    JOIN image_types ON image_types.id = images.image_type_id
    JOIN platforms ON platforms.id = CASE
        WHEN own.name = 'unknown' AND 'unknown' NOT IN (os_versions.name, image_types.name)
            THEN coalesce(
                platform_of_image(images.project_id, images.os_version_id, images.image_type_id),
                own.id
            )
        ELSE own.id
    END
    LEFT JOIN projects ON projects.id = images.project_id
    WHERE %(projects)s::text [] IS NULL OR projects.name = ANY(%(projects)s)
),

bound AS MATERIALIZED (
    SELECT greatest(%(fewest)s, least(%(per_image)s, %(most)s / greatest(count(*), 1))) AS builds
    FROM images
)

SELECT
    images.project, images.platform, images.os_version, images.image_type, images.cloud_provider,
    images.major_version, images.minor_version, recent.*,
    CASE
        WHEN recent.attempt > 1
            THEN coalesce(
                (
                    SELECT min(states.start_time)
                    FROM build_states AS states
                    WHERE states.build_id = recent.id
                ),
                recent.start_time
            )
        ELSE recent.start_time
    END AS began_at
FROM images
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = images.project_id
CROSS JOIN LATERAL (
    SELECT
        last.id, last.build_number, last.status, last.attempt, last.current_state, last.start_time,
        last.end_time, last.duration_seconds, last.created_at, last.last_heard_at, last.heartbeat_at,
        last.run_url, last.inferred, last.unstable, last.future, last.estimated
    FROM (
        SELECT *
        FROM builds
        WHERE
            coalesce(project_id, '00000000-0000-0000-0000-000000000000') = images.project_id
            AND platform_id = images.platform_id
            AND os_version_id = images.os_version_id
            AND image_type_id = images.image_type_id
        ORDER BY created_at DESC, id DESC
        LIMIT 100
    ) AS last
    WHERE
        is_of_served_branch(last.branch, last.default_branch, last.pull_request, rules.branches)
        AND (last.status <> 'cancelled' OR last.start_time < last.end_time)
    LIMIT (SELECT builds FROM bound)
) AS recent
