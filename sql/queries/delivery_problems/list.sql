-- Quarantined deliveries and jobs without a build among the newest 10,000 of each, by sender and
-- reason: outcome, reason, source, sender, count, last_at, and the newest one's id.
WITH problems AS (
    (
        SELECT id, outcome, reason, source, sender, received_at
        FROM deliveries
        WHERE outcome = 'quarantined' AND outcome <> 'stored'
        ORDER BY received_at DESC, id DESC
        LIMIT 10000
    )
    UNION ALL
    (
        SELECT id, outcome, reason, source, sender, received_at
        FROM deliveries
        WHERE reason = %(unused)s AND outcome = 'ignored'
        ORDER BY received_at DESC, id DESC
        LIMIT 10000
    )
)

SELECT
    outcome, reason, source, sender, count(*) AS count, max(received_at) AS last_at,
    (array_agg(id ORDER BY received_at DESC, id DESC))[1] AS id
FROM problems
GROUP BY outcome, reason, source, sender
ORDER BY outcome DESC, max(received_at) DESC, source, sender, reason
LIMIT 100
