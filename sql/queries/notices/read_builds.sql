-- Builds by their ids, as notices tell of them: their names, how they stand, why they failed (cause,
-- stage, component), `doubt` (why they are not served), when their first attempt began, and the
-- newest later build of their image that counts (newer, newer_status).
SELECT
    builds.id, builds.build_number, builds.project_id, builds.project, builds.platform,
    coalesce(platforms.display_name, builds.platform) AS platform_name, builds.os_version,
    builds.image_type, builds.status, builds.current_state,
    coalesce(builds.estimated, false) AS estimated, builds.attempt, builds.start_time,
    builds.end_time, builds.created_at, builds.last_heard_at, builds.run_url,
    (SELECT run_key FROM events WHERE events.build_id = builds.id LIMIT 1) AS run_key,
    coalesce(
        (SELECT min(start_time) FROM build_states WHERE build_id = builds.id),
        builds.start_time, builds.created_at
    ) AS began_at,
    coalesce(failure.stage, stopped.stage) AS stage, failure.component,
    coalesce(failure.masked_message, failure.error_message) AS cause,
    newer.build_number AS newer, newer.status AS newer_status,
    image_doubt(
        builds.branch, builds.default_branch, builds.pull_request, builds.conflict, builds.unstable,
        NULL, rules.branches, rules.unstable_counts
    ) AS doubt
FROM unnest(%(build_ids)s::uuid[]) AS given (id)
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = given.id LIMIT 1
) AS builds
LEFT JOIN platforms ON platforms.id = builds.platform_id
LEFT JOIN jsonb_to_recordset(%(rules)s::jsonb) AS rules (
    project_id uuid, branches text [], unstable_counts boolean
) ON rules.project_id = builds.project_id
LEFT JOIN LATERAL (
    SELECT stage, component, masked_message, error_message
    FROM build_failures
    WHERE build_id = builds.id AND attempt = builds.attempt
    ORDER BY (stage IS NOT NULL) DESC, created_at DESC, id DESC
    LIMIT 1
) AS failure ON true
LEFT JOIN LATERAL (
    SELECT stage FROM build_states
    WHERE build_id = builds.id AND attempt = builds.attempt AND stage IS NOT NULL
    ORDER BY place DESC
    LIMIT 1
) AS stopped ON true
LEFT JOIN LATERAL (
    SELECT later.build_number, later.status
    FROM (
        SELECT *
        FROM builds AS candidates
        WHERE
            coalesce(candidates.project_id, '00000000-0000-0000-0000-000000000000')
            = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
            AND candidates.platform_id = builds.platform_id
            AND candidates.os_version_id = builds.os_version_id
            AND candidates.image_type_id = builds.image_type_id
            AND candidates.id <> builds.id
            AND candidates.created_at > builds.created_at - interval '1 day'
        ORDER BY candidates.created_at DESC, candidates.id DESC
        LIMIT 50
    ) AS later
    WHERE
        'unknown' NOT IN (builds.os_version, builds.image_type)
        AND later.start_time > builds.start_time
        AND is_of_served_branch(
            later.branch, later.default_branch, later.pull_request, rules.branches
        )
        AND (later.status <> 'cancelled' OR later.start_time < later.end_time)
    ORDER BY later.start_time DESC
    LIMIT 1
) AS newer ON true
