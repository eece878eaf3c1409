-- Keep a delivery; no row where its key was used before.
INSERT INTO deliveries (
    id, source, sender, delivery_key, event_type, outcome, reason, flags,
    headers, query, body, body_sha256, body_size, received_at
)
VALUES (
    %(id)s, %(source)s, %(sender)s, %(delivery_key)s, %(event_type)s, %(outcome)s, %(reason)s,
    %(flags)s, %(headers)s, %(query)s, %(body)s, %(body_sha256)s, %(body_size)s, %(received_at)s
)
ON CONFLICT (source, sender, delivery_key) DO NOTHING
RETURNING id
