-- The newest deliveries of an outcome and reason that still have a body.
SELECT source, headers, query, body, received_at
FROM deliveries
WHERE outcome = %(outcome)s AND outcome <> 'stored' AND reason = %(reason)s AND body IS NOT NULL
ORDER BY received_at DESC, id DESC
LIMIT %(limit)s
