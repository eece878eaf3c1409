-- Running builds with what tells whether they are overdue, stalled or lost. `longest_seconds` is the
-- 95th percentile of the open stage, or where none is open of the whole build, in the last 20 of its
-- image that were completed; `usual_seconds` is the median of the whole. Neither is read before it
-- can matter. `next_build` is the next build of the same image and branch that began.
SELECT
    builds.id, builds.project_id, builds.project, builds.platform, builds.os_version,
    builds.image_type, builds.status, builds.start_time, builds.created_at, builds.last_heard_at,
    builds.heartbeat_at, coalesce(own.waiting, false) AS waiting, stage.stage,
    stage.start_time AS stage_start, usual.longest_seconds, usual.runs, usual.usual_seconds,
    next.build_number AS next_build
FROM unnest(%(ids)s::uuid []) AS given (id)
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = given.id AND status = 'running' LIMIT 1
) AS builds
CROSS JOIN LATERAL (
    SELECT waiting, platform_id FROM builds WHERE id = given.id LIMIT 1
) AS own
LEFT JOIN LATERAL (
    SELECT stage, state, start_time
    FROM build_states
    WHERE build_id = builds.id AND attempt = builds.attempt AND end_time IS NULL
    ORDER BY place DESC
    LIMIT 1
) AS stage ON true
LEFT JOIN LATERAL (
    SELECT
        CASE
            WHEN stage.start_time IS NULL
                THEN percentile_cont(0.95) WITHIN GROUP (ORDER BY earlier.duration_seconds)
            ELSE percentile_cont(0.95) WITHIN GROUP (ORDER BY runs.duration_seconds)
        END AS longest_seconds,
        CASE
            WHEN stage.start_time IS NULL THEN count(earlier.duration_seconds)
            ELSE count(runs.duration_seconds)
        END AS runs,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY earlier.duration_seconds) AS usual_seconds
    FROM (
        SELECT recent.id, recent.duration_seconds
        FROM (
            SELECT id, duration_seconds, unchanged
            FROM builds AS earlier
            WHERE
                'unknown' NOT IN (builds.os_version, builds.image_type)
                AND earlier.status = 'completed'
                AND coalesce(earlier.project_id, '00000000-0000-0000-0000-000000000000') = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
                AND earlier.platform_id = builds.platform_id
                AND earlier.os_version_id = builds.os_version_id
                AND earlier.image_type_id = builds.image_type_id
            ORDER BY coalesce(earlier.end_time, earlier.created_at) DESC, earlier.id DESC
            LIMIT 100
        ) AS recent
        WHERE recent.unchanged IS NOT TRUE
        LIMIT 20
    ) AS earlier
    LEFT JOIN LATERAL (
        SELECT max(build_states.duration_seconds) AS duration_seconds
        FROM build_states
        WHERE
            stage.start_time IS NOT NULL
            AND build_states.build_id = earlier.id
            AND build_states.status = 'completed'
            AND build_states.stage IS NOT DISTINCT FROM stage.stage
            AND (stage.stage IS NOT NULL OR build_states.state = stage.state)
    ) AS runs ON true
    WHERE
        %(now)s - coalesce(stage.start_time, builds.start_time) > interval '15 minutes'
        OR %(now)s - coalesce(builds.last_heard_at, builds.created_at) > interval '2 hours'
) AS usual ON true
LEFT JOIN LATERAL (
    SELECT later.build_number
    FROM builds AS later
    WHERE
        %(now)s - coalesce(builds.last_heard_at, builds.created_at) > interval '2 hours'
        AND 'unknown' NOT IN (builds.os_version, builds.image_type)
        AND coalesce(later.project_id, '00000000-0000-0000-0000-000000000000') = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
        AND later.platform_id IN (builds.platform_id, own.platform_id)
        AND later.os_version_id = builds.os_version_id
        AND later.image_type_id = builds.image_type_id
        AND later.created_at > builds.created_at
        AND later.branch IS NOT DISTINCT FROM builds.branch
        AND later.start_time > builds.start_time
        AND later.id <> builds.id
    ORDER BY later.created_at, later.id
    LIMIT 1
) AS next ON true
