-- The delivery of this key: id, body_sha256, query, outcome.
SELECT id, body_sha256, query, outcome
FROM deliveries
WHERE source = %(source)s AND sender = %(sender)s AND delivery_key = %(delivery_key)s
