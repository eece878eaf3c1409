-- A job's deliveries are stored once a build uses them or another of their jobs; ignored before.
UPDATE deliveries
SET
    outcome = CASE WHEN %(used)s THEN 'stored' ELSE 'ignored' END,
    reason = CASE WHEN %(used)s THEN NULL ELSE 'no route and no hook makes it a build' END
WHERE
    id IN (SELECT delivery_id FROM events WHERE native AND run_key = %(run_key)s)
    AND (outcome = 'stored') IS DISTINCT FROM %(used)s
    AND (
        %(used)s
        OR NOT EXISTS (
            SELECT FROM events
            WHERE events.delivery_id = deliveries.id AND events.build_id IS NOT NULL
        )
    )
