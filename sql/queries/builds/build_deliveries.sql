-- The deliveries with events of a build, newest first, at most 50.
SELECT DISTINCT
    deliveries.id, deliveries.received_at, deliveries.source, deliveries.sender,
    deliveries.event_type, deliveries.outcome, deliveries.body_size
FROM events
JOIN deliveries ON deliveries.id = events.delivery_id
WHERE events.build_id = %(build_id)s
ORDER BY deliveries.received_at DESC, deliveries.id DESC
LIMIT 50
