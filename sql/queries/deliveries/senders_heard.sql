-- Every sender that was ever heard: the last time, and its deliveries of a day, at most 100,000.
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
    senders.source, senders.sender, newest.received_at AS last_heard_at,
    day.hour_count, day.day_count, unused.ignored_count, unused.quarantined_count
FROM senders
CROSS JOIN LATERAL (
    SELECT deliveries.received_at
    FROM deliveries
    WHERE deliveries.source = senders.source AND deliveries.sender = senders.sender
    ORDER BY deliveries.received_at DESC
    LIMIT 1
) AS newest
CROSS JOIN LATERAL (
    SELECT
        count(*) AS day_count,
        count(*) FILTER (WHERE recent.received_at > now() - interval '1 hour') AS hour_count
    FROM (
        SELECT deliveries.received_at
        FROM deliveries
        WHERE
            deliveries.source = senders.source
            AND deliveries.sender = senders.sender
            AND deliveries.received_at > now() - interval '1 day'
        ORDER BY deliveries.received_at DESC
        LIMIT 100000
    ) AS recent
) AS day
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE recent.outcome = 'ignored') AS ignored_count,
        count(*) FILTER (WHERE recent.outcome = 'quarantined') AS quarantined_count
    FROM (
        SELECT deliveries.outcome
        FROM deliveries
        WHERE
            deliveries.source = senders.source
            AND deliveries.sender = senders.sender
            AND deliveries.outcome <> 'stored'
            AND deliveries.received_at > now() - interval '1 day'
        LIMIT 100000
    ) AS recent
) AS unused
ORDER BY senders.source, senders.sender
