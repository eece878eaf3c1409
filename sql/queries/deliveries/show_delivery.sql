-- One delivery, whole: its row with the body, and the numbers of the builds that it speaks of.
SELECT
    id, source, sender, delivery_key, event_type, outcome, reason, flags, headers, query, body,
    body_sha256, body_size, received_at,
    array(
        SELECT DISTINCT builds.build_number
        FROM events
        JOIN builds ON builds.id = events.build_id
        WHERE events.delivery_id = deliveries.id
        ORDER BY builds.build_number
    ) AS builds
FROM deliveries
WHERE id = %(id)s
