-- Of the newest 20,000 deliveries that fit the filters, those of the own projects alone: all their
-- builds are of these, or they have no build and come from an own sender.
SELECT
    id, source, sender, event_type, outcome, reason, flags, body_size, received_at,
    array(
        SELECT DISTINCT builds.build_number
        FROM events
        JOIN builds ON builds.id = events.build_id
        WHERE events.delivery_id = recent.id
        ORDER BY builds.build_number
        LIMIT 20
    ) AS builds
FROM (
    SELECT id, source, sender, event_type, outcome, reason, flags, body_size, received_at
    FROM deliveries
    WHERE
        (%(source)s::text IS NULL OR source = %(source)s)
        AND (%(sender)s::text IS NULL OR sender = %(sender)s)
        AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
        AND (%(outcome)s::text IS NULL OR %(outcome)s = 'stored' OR outcome <> 'stored')
        AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        AND (%(delivery_key)s::text IS NULL OR delivery_key = %(delivery_key)s)
        AND (%(id)s::uuid IS NULL OR id = %(id)s)
        AND (
            %(after_time)s::timestamptz IS NULL
            OR (received_at, id) < (%(after_time)s::timestamptz, %(after_id)s::uuid)
        )
    ORDER BY received_at DESC, id DESC
    LIMIT 20000
) AS recent
CROSS JOIN LATERAL (
    SELECT
        count(*) AS all_count,
        count(*) FILTER (WHERE builds.project_id = ANY(%(projects)s::uuid [])) AS own_count
    FROM events
    JOIN builds ON builds.id = events.build_id
    WHERE events.delivery_id = recent.id
) AS counted
WHERE
    counted.own_count = counted.all_count
    AND (
        counted.all_count > 0
        OR EXISTS (
            SELECT 1
            FROM jsonb_to_recordset(%(senders)s) AS own (source TEXT, sender TEXT)
            WHERE own.source = recent.source AND own.sender = recent.sender
        )
    )
ORDER BY received_at DESC, id DESC
LIMIT %(limit)s
