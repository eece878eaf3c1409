-- The newest deliveries of an outcome and reason that still have a body; a body of an older release is
-- in deliveries. Older deliveries than the oldest with a body are not read.
SELECT
    deliveries.source, deliveries.headers, deliveries.query, deliveries.received_at,
    deliveries.body_size, coalesce(kept.body, deliveries.body) AS body, kept.encoding
FROM deliveries
LEFT JOIN LATERAL (
    SELECT bodies.body, bodies.encoding
    FROM bodies
    WHERE bodies.delivery_id = deliveries.id
    OFFSET 0 -- one by one: a join would read all bodies
) AS kept ON true
WHERE
    deliveries.outcome = %(outcome)s AND deliveries.outcome <> 'stored'
    AND deliveries.reason = %(reason)s
    AND deliveries.received_at >= least(
        (
            SELECT old.received_at
            FROM deliveries AS old
            WHERE old.body IS NOT NULL
            ORDER BY old.received_at, old.id
            LIMIT 1
        ),
        (
            SELECT old.received_at
            FROM bodies
            JOIN deliveries AS old ON old.id = bodies.delivery_id
            ORDER BY bodies.delivery_id
            LIMIT 1
        )
    )
    AND coalesce(kept.body, deliveries.body) IS NOT NULL
ORDER BY deliveries.received_at DESC, deliveries.id DESC
LIMIT %(limit)s
