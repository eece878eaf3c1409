-- A delivery as it came, for the one transaction that reads it anew. A body of an older release is
-- in deliveries.
SELECT
    deliveries.id, deliveries.source, deliveries.sender, deliveries.event_type,
    deliveries.delivery_key, deliveries.headers, deliveries.query, deliveries.received_at,
    deliveries.body_size, coalesce(bodies.body, deliveries.body) AS body, bodies.encoding
FROM deliveries
LEFT JOIN bodies ON bodies.delivery_id = deliveries.id
WHERE deliveries.id = %(id)s
FOR UPDATE OF deliveries
