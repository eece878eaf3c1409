-- Delete a batch of old deliveries without events of a build.
DELETE FROM deliveries
WHERE
    id IN (
        SELECT id FROM deliveries
        WHERE
            received_at < %(before)s
            AND NOT EXISTS (
                SELECT FROM events
                WHERE events.delivery_id = deliveries.id AND events.build_id IS NOT NULL
            )
        LIMIT %(limit)s
    )
