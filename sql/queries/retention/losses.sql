-- What pruning would delete: bodies, builds, and the deliveries of which nothing may be left. Bodies of
-- an older release are in deliveries.
SELECT
    kept.count AS bodies, kept.oldest AS oldest_body, kept.newest AS newest_body,
    ended.count AS builds, ended.oldest AS oldest_build, ended.newest AS newest_build,
    old.count AS deliveries, old.oldest AS oldest_delivery, old.newest AS newest_delivery
FROM
    (
        SELECT count(*), min(received_at) AS oldest, max(received_at) AS newest
        FROM (
            SELECT received_at
            FROM deliveries
            WHERE received_at < %(before)s AND body IS NOT NULL
            UNION ALL
            SELECT deliveries.received_at
            FROM bodies
            JOIN deliveries ON deliveries.id = bodies.delivery_id
            WHERE bodies.delivery_id < %(end_id)s
        ) AS each
    ) AS kept,
    (
        SELECT count(*), min(end_time) AS oldest, max(end_time) AS newest
        FROM builds
        WHERE
            end_time < %(before)s AND status IN ('completed', 'failed', 'cancelled')
            AND NOT is_build_kept(id)
    ) AS ended,
    (
        SELECT count(*), min(received_at) AS oldest, max(received_at) AS newest
        FROM deliveries
        WHERE received_at < %(before)s
    ) AS old
