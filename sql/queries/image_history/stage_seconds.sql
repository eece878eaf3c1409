-- The seconds of each stage of the last attempt of some builds: build_id, stage, seconds; the stages of
-- a build in the order in which they ran.
SELECT
    wanted.id AS build_id, states.stage, sum(states.duration_seconds) AS seconds,
    min(states.place) AS place
FROM unnest(%(build_ids)s::uuid []) AS wanted (id)
CROSS JOIN LATERAL ( -- LIMIT: one lookup for each, never a scan of the table
    SELECT attempt FROM builds WHERE id = wanted.id LIMIT 1
) AS builds
CROSS JOIN LATERAL (
    SELECT stage, duration_seconds, place
    FROM build_states
    WHERE
        build_id = wanted.id AND attempt = builds.attempt AND stage IS NOT NULL
        AND duration_seconds > 0
    ORDER BY place
    LIMIT 100
) AS states
GROUP BY wanted.id, states.stage
ORDER BY wanted.id, min(states.place)
