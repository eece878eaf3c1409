-- Delete a batch of old deliveries without events of a build, behind a position, with their bodies:
-- last at, its id, count.
WITH batch AS (
    SELECT id, received_at
    FROM deliveries
    WHERE (received_at, id) > (%(at)s::timestamptz, %(id)s::uuid) AND received_at < %(before)s
    ORDER BY received_at, id
    LIMIT %(limit)s
),

pruned AS (
    DELETE FROM deliveries
    USING batch
    WHERE
        deliveries.id = batch.id
        AND NOT EXISTS (
            SELECT FROM events
            WHERE events.delivery_id = deliveries.id AND events.build_id IS NOT NULL
        )
    RETURNING deliveries.id
),

forgotten AS (
    DELETE FROM bodies WHERE delivery_id = ANY(array(SELECT id FROM pruned))
)
SELECT
    batch.received_at AS at, batch.id, (SELECT count(*) FROM pruned) AS count
FROM batch
ORDER BY batch.received_at DESC, batch.id DESC
LIMIT 1
