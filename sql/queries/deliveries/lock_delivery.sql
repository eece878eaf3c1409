-- A delivery as it came, for the one transaction that reads it anew.
SELECT id, source, sender, delivery_key, event_type, headers, query, body, received_at
FROM deliveries
WHERE id = %(id)s
FOR UPDATE
