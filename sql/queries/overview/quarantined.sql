-- Deliveries of the last day that nobody could use, at most 1,000: count.
SELECT count(*) AS count
FROM (
    SELECT 1
    FROM deliveries
    WHERE
        outcome = 'quarantined' AND outcome <> 'stored'
        AND received_at > now() - interval '1 day'
    LIMIT 1000
) AS kept
