-- Every sender that was ever heard: source, sender, last_heard_at, and the longest gap between two of
-- its last 200 deliveries (longest_gap).
WITH RECURSIVE senders AS (
    (SELECT source, sender FROM deliveries ORDER BY source, sender LIMIT 1)
    UNION ALL
    SELECT found.source, found.sender
    FROM senders
    CROSS JOIN LATERAL (
        SELECT deliveries.source, deliveries.sender
        FROM deliveries
        WHERE (deliveries.source, deliveries.sender) > (senders.source, senders.sender)
        ORDER BY deliveries.source, deliveries.sender
        LIMIT 1
    ) AS found
)
SELECT
    senders.source, senders.sender, max(newest.received_at) AS last_heard_at,
    coalesce(max(newest.gap), interval '0') AS longest_gap
FROM senders
CROSS JOIN LATERAL (
    SELECT
        recent.received_at,
        lag(recent.received_at) OVER (ORDER BY recent.received_at DESC) - recent.received_at AS gap
    FROM (
        SELECT deliveries.received_at
        FROM deliveries
        WHERE deliveries.source = senders.source AND deliveries.sender = senders.sender
        ORDER BY deliveries.received_at DESC
        LIMIT 200
    ) AS recent
) AS newest
GROUP BY senders.source, senders.sender
ORDER BY senders.source, senders.sender
