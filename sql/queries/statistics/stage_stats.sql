-- Runs, failures, median and 90th-percentile seconds of each state, of the newest 1,000 builds; of
-- those of some projects among the newest 10,000.
SELECT
    build_states.state,
    count(*) AS runs,
    count(*) FILTER (
        WHERE
            build_states.status = 'failed'
            OR (build_states.status = 'started' AND recent.id = ANY(%(lost)s::uuid []))
    ) AS failed,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY build_states.duration_seconds)
    FILTER (WHERE build_states.status = 'completed') AS median_seconds,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY build_states.duration_seconds)
    FILTER (WHERE build_states.status = 'completed') AS p90_seconds
FROM (
    SELECT newest.id
    FROM (
        SELECT id, project_id, created_at
        FROM builds
        ORDER BY created_at DESC, id DESC
        LIMIT CASE WHEN %(own)s::text [] IS NULL THEN 1000 ELSE 10000 END
    ) AS newest
    WHERE
        %(own)s::text [] IS NULL
        OR newest.project_id IN (SELECT id FROM projects WHERE name = ANY(%(own)s))
    ORDER BY newest.created_at DESC, newest.id DESC
    LIMIT 1000
) AS recent
JOIN build_states ON build_states.build_id = recent.id
WHERE build_states.mapped
GROUP BY build_states.state
ORDER BY build_states.state
