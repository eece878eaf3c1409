-- The oldest deliveries of an outcome from behind a position on: id, received_at.
SELECT id, received_at
FROM deliveries
WHERE
    outcome = %(outcome)s
    AND outcome <> 'stored'
    AND (received_at, id) > (%(received_at)s::timestamptz, %(id)s::uuid)
ORDER BY received_at, id
LIMIT %(limit)s
