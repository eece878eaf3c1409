-- Delete a batch of bodies, oldest first, behind an id: last id, count; at is null. It is for what no
-- dropped week had: bodies_default, and a week of which a part is old.
WITH batch AS (
    SELECT delivery_id
    FROM bodies
    WHERE delivery_id > %(id)s AND delivery_id < %(end_id)s
    ORDER BY delivery_id
    LIMIT %(limit)s
),

pruned AS (
    DELETE FROM bodies
    WHERE delivery_id < %(end_id)s AND delivery_id = ANY(array(SELECT delivery_id FROM batch))
    RETURNING delivery_id
)
SELECT
    NULL::timestamptz AS at, batch.delivery_id AS id, (SELECT count(*) FROM pruned) AS count
FROM batch
ORDER BY batch.delivery_id DESC
LIMIT 1
