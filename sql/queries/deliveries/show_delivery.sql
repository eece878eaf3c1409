-- One delivery, whole: its row with the body, and the numbers of the builds that it speaks of. A body
-- of an older release is in deliveries.
SELECT
    deliveries.id, deliveries.source, deliveries.sender, deliveries.delivery_key,
    deliveries.event_type, deliveries.outcome, deliveries.reason, deliveries.flags,
    deliveries.headers, deliveries.query, deliveries.body_sha256, deliveries.body_size,
    deliveries.received_at, coalesce(bodies.body, deliveries.body) AS body, bodies.encoding,
    array(
        SELECT DISTINCT builds.build_number
        FROM events
        JOIN builds ON builds.id = events.build_id
        WHERE events.delivery_id = deliveries.id
        ORDER BY builds.build_number
    ) AS builds
FROM deliveries
LEFT JOIN bodies ON bodies.delivery_id = deliveries.id
WHERE deliveries.id = %(id)s
