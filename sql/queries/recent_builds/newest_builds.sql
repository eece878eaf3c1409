-- The newest builds of these images that count, those that began last first, at most `most` of each:
-- of a served branch, and such that ran, among its last 100. `place` is that of the image, from 1;
-- `began_at` is the start of a build's first attempt.
SELECT
    images.place, recent.*,
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
FROM unnest(
    %(project_ids)s::uuid [], %(platform_ids)s::uuid [], %(os_version_ids)s::uuid [],
    %(image_type_ids)s::uuid []
) WITH ORDINALITY AS images (project_id, platform_id, os_version_id, image_type_id, place)
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = images.project_id
CROSS JOIN LATERAL (
    SELECT
        last.id, last.build_number, last.status, last.attempt, last.start_time, last.end_time,
        last.duration_seconds, last.created_at, last.last_heard_at, last.run_url, last.future
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
    LIMIT %(most)s
) AS recent
