-- Set the outcome of a delivery that is replayed: id.
UPDATE deliveries
SET outcome = %(outcome)s, reason = %(reason)s, flags = %(flags)s
WHERE id = %(id)s
RETURNING id
