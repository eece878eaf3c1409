-- The newest running builds that are not lost, at most 30, each with its open stage and that stage's median duration.
SELECT
    builds.id, builds.build_number, builds.project, builds.platform, builds.os_version, builds.image_type,
    builds.current_state, builds.status, builds.attempt, builds.start_time, builds.end_time,
    builds.duration_seconds, builds.last_heard_at, builds.heartbeat_at,
    coalesce(builds.estimated, false) AS estimated, stage.stage,
    stage.start_time AS stage_start, usual.seconds AS usual_seconds
FROM (
    SELECT id
    FROM builds
    WHERE status = 'running' AND id <> ALL(%(lost)s::uuid [])
    ORDER BY created_at DESC, id DESC
    LIMIT 30
) AS newest
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT * FROM named_builds WHERE id = newest.id LIMIT 1
) AS builds
LEFT JOIN LATERAL (
    SELECT stage, start_time
    FROM build_states
    WHERE build_id = builds.id AND end_time IS NULL
    ORDER BY place DESC
    LIMIT 1
) AS stage ON true
LEFT JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY build_states.duration_seconds) AS seconds
    FROM (
        SELECT id
        FROM builds AS earlier
        WHERE
            'unknown' NOT IN (builds.os_version, builds.image_type)
            AND earlier.status = 'completed'
            AND coalesce(earlier.project_id, '00000000-0000-0000-0000-000000000000') = coalesce(builds.project_id, '00000000-0000-0000-0000-000000000000')
            AND earlier.platform_id = builds.platform_id
            AND earlier.os_version_id = builds.os_version_id
            AND earlier.image_type_id = builds.image_type_id
        ORDER BY earlier.created_at DESC, earlier.id DESC
        LIMIT 20
    ) AS earlier
    JOIN build_states ON build_states.build_id = earlier.id
    WHERE build_states.status = 'completed' AND build_states.stage = stage.stage
) AS usual ON true
ORDER BY builds.created_at DESC, builds.id DESC
