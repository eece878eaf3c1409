-- Note the status of open news and why.
UPDATE notices
SET status = given.status, reason = given.reason
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (id uuid, status text, reason text)
WHERE notices.id = given.id AND notices.status IN ('waiting', 'held')
