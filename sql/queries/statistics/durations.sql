-- Durations of the newest 1,000 builds and their stages: kind, label, bucket, count, seconds.
WITH recent AS MATERIALIZED (
    SELECT id, status, duration_seconds
    FROM builds
    WHERE created_at > now() - interval '7 days'
    ORDER BY created_at DESC, id DESC
    LIMIT 1000
)
SELECT
    'run' AS kind, status AS label, width_bucket(duration_seconds, %(bounds)s::integer[]) AS bucket,
    count(*) AS count, sum(duration_seconds) AS seconds
FROM recent
WHERE status IN ('completed', 'failed', 'cancelled') AND duration_seconds IS NOT NULL
GROUP BY 1, 2, 3
UNION ALL
SELECT
    'stage', build_states.state::text, width_bucket(build_states.duration_seconds, %(bounds)s::integer[]),
    count(*), sum(build_states.duration_seconds)
FROM recent
JOIN build_states ON build_states.build_id = recent.id
WHERE build_states.status = 'completed' AND build_states.mapped AND build_states.duration_seconds IS NOT NULL
GROUP BY 1, 2, 3
