-- A page of deliveries, newest first, from behind a position on; each filter may be null.
SELECT
    id, source, sender, event_type, outcome, reason, flags, body_size, received_at,
    array(
        SELECT DISTINCT builds.build_number
        FROM events
        JOIN builds ON builds.id = events.build_id
        WHERE events.delivery_id = deliveries.id
        ORDER BY builds.build_number
        LIMIT 20
    ) AS builds
FROM deliveries
WHERE
    (%(source)s::text IS NULL OR source = %(source)s)
    AND (%(sender)s::text IS NULL OR sender = %(sender)s)
    AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
    AND (%(outcome)s::text IS NULL OR %(outcome)s = 'stored' OR outcome <> 'stored')
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(delivery_key)s::text IS NULL OR delivery_key = %(delivery_key)s)
    AND (
        %(after_time)s::timestamptz IS NULL
        OR (received_at, id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
    )
ORDER BY received_at DESC, id DESC
LIMIT %(limit)s
