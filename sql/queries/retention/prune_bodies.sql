-- Delete the bodies of a batch of old deliveries, oldest first, behind a position: last at, its id,
-- count. What has no body any more is not read.
WITH batch AS (
    SELECT id, received_at
    FROM deliveries
    WHERE
        body IS NOT NULL
        AND (received_at, id) > (%(at)s::timestamptz, %(id)s::uuid) AND received_at < %(before)s
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
    batch.received_at AS at, batch.id, (SELECT count(*) FROM pruned) AS count
FROM batch
ORDER BY batch.received_at DESC, batch.id DESC
LIMIT 1
