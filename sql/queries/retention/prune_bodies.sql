-- Delete the bodies of a batch of old deliveries, oldest first, behind a position.
WITH batch AS (
    SELECT id, received_at
    FROM deliveries
    WHERE (received_at, id) > (%(received_at)s::timestamptz, %(id)s::uuid) AND received_at < %(before)s
    ORDER BY received_at, id
    LIMIT %(limit)s
),
pruned AS (
    UPDATE deliveries SET body = NULL
    FROM batch
    WHERE deliveries.id = batch.id AND deliveries.body IS NOT NULL
    RETURNING deliveries.id
)
SELECT
    batch.received_at, batch.id, (SELECT count(*) FROM pruned) AS pruned_count
FROM batch
ORDER BY batch.received_at DESC, batch.id DESC
LIMIT 1
