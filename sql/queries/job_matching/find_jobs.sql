-- The forges' jobs under these keys: run_key, alias_key, number, builds, loose (whether a row of it
-- is of no build), owners (hooks' builds).
WITH concerned AS (
    SELECT run_key FROM events WHERE native AND run_key = ANY(%(run_keys)s)
    UNION
    SELECT run_key FROM events WHERE native AND alias_key = ANY(%(run_keys)s)
),
jobs AS (
    SELECT
        run_key,
        min(alias_key) AS alias_key,
        min(began_at) AS began_at,
        max(ended_at) AS ended_at,
        min(native_number) AS number,
        coalesce(array_agg(DISTINCT build_id) FILTER (WHERE build_id IS NOT NULL), '{}') AS builds,
        bool_or(build_id IS NULL) AS loose
    FROM events
    WHERE native AND run_key IN (SELECT run_key FROM concerned)
    GROUP BY run_key
)
SELECT
    jobs.run_key,
    jobs.alias_key,
    jobs.number,
    jobs.builds,
    jobs.loose,
    array(
        SELECT build_id
        FROM run_keys
        WHERE run_keys.run_key = jobs.run_key
        UNION
        SELECT build_id
        FROM run_keys
        WHERE
            run_keys.run_key = jobs.alias_key
            AND run_keys.last_at >= jobs.began_at
            AND run_keys.first_at <= coalesce(jobs.ended_at, 'infinity')
        ORDER BY build_id
    ) AS owners
FROM jobs
ORDER BY jobs.run_key
