-- Delete a batch of builds that ended long ago, behind a position, with their events and derived
-- rows: last at, its id, count. Those about which people decided something stay, and those that
-- they were made from.
WITH batch AS (
    SELECT id, end_time
    FROM builds
    WHERE
        status IN ('completed', 'failed', 'cancelled')
        AND (end_time, id) > (%(at)s::timestamptz, %(id)s::uuid) AND end_time < %(before)s
    ORDER BY end_time, id
    LIMIT %(limit)s
),

pruned AS (
    DELETE FROM builds
    USING batch
    WHERE
        builds.id = batch.id AND builds.end_time < %(before)s
        AND builds.status IN ('completed', 'failed', 'cancelled') AND NOT is_build_kept(batch.id)
    RETURNING builds.id
)
SELECT
    batch.end_time AS at, batch.id, (SELECT count(*) FROM pruned) AS count
FROM batch
ORDER BY batch.end_time DESC, batch.id DESC
LIMIT 1
