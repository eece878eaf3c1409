-- The counts for /metrics in one row; each one reads a limited part of an index.
SELECT
    (
        SELECT received_at FROM deliveries ORDER BY received_at DESC, id DESC LIMIT 1
    ) AS last_delivery_at,
    (
        SELECT count(*)
        FROM (SELECT 1 FROM deliveries WHERE outcome = 'quarantined' AND outcome <> 'stored' LIMIT 10000) AS kept
    ) AS quarantined,
    (
        SELECT count(*) FROM (SELECT 1 FROM builds WHERE status = 'running' LIMIT 10000) AS builds
    ) AS running,
    coalesce(recent.counts, '{}') AS builds
FROM (
    SELECT jsonb_object_agg(status, count) AS counts
    FROM (
        SELECT status, count(*) AS count
        FROM (
            SELECT status
            FROM builds
            WHERE created_at > now() - interval '1 day'
            ORDER BY created_at DESC, id DESC
            LIMIT 10000
        ) AS builds
        GROUP BY status
    ) AS counted
) AS recent
