-- What pruning would delete: bodies, builds, and the deliveries of which nothing may be left.
SELECT
    bodies.count AS bodies, bodies.oldest AS oldest_body, bodies.newest AS newest_body,
    ended.count AS builds, ended.oldest AS oldest_build, ended.newest AS newest_build,
    old.count AS deliveries, old.oldest AS oldest_delivery, old.newest AS newest_delivery
FROM
    (
        SELECT count(*), min(received_at) AS oldest, max(received_at) AS newest
        FROM deliveries
        WHERE received_at < %(before)s AND body IS NOT NULL
    ) AS bodies,
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
