-- What a delivery comes to when it is read anew.
UPDATE deliveries
SET outcome = %(outcome)s, reason = %(reason)s, flags = %(flags)s
WHERE id = %(id)s
