-- Refusals of the last 7 days by sender and reason: their number, the newest one's time and detail.
SELECT
    source, sender, reason, sum(count)::bigint AS count, max(last_at) AS last_at,
    (array_agg(code ORDER BY last_at DESC))[1] AS code,
    (array_agg(detail ORDER BY last_at DESC))[1] AS detail
FROM refusals
WHERE hour > now() - interval '7 days'
GROUP BY source, sender, reason
ORDER BY max(last_at) DESC, source, sender, reason
