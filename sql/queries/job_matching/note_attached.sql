-- A job's deliveries are stored once a build uses them or another of their jobs, ignored before:
-- id and outcome of those that change.
WITH jobs AS (
    SELECT events.delivery_id, bool_or(given.used) AS used
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (run_key text, used boolean)
    JOIN events ON events.native AND events.run_key = given.run_key
    GROUP BY events.delivery_id
)
UPDATE deliveries
SET
    outcome = CASE WHEN jobs.used THEN 'stored' ELSE 'ignored' END,
    reason = CASE WHEN jobs.used THEN NULL ELSE 'no route and no hook makes it a build' END
FROM jobs
WHERE
    deliveries.id = jobs.delivery_id
    AND (deliveries.outcome = 'stored') IS DISTINCT FROM jobs.used
    AND (
        jobs.used
        OR NOT EXISTS (
            SELECT FROM events
            WHERE events.delivery_id = deliveries.id AND events.build_id IS NOT NULL
        )
    )
RETURNING deliveries.id, deliveries.outcome
