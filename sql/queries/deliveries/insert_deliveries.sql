-- Insert deliveries: the ids of those whose keys were not used before.
INSERT INTO deliveries (
    id, source, sender, delivery_key, event_type, outcome, reason, flags,
    headers, query, body_sha256, body_size, received_at
)
SELECT
    id, source, sender, delivery_key, event_type, outcome, reason, flags,
    headers, query, decode(body_sha256, 'hex'), body_size, received_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
    id uuid, source text, sender text, delivery_key text, event_type text, outcome text,
    reason text, flags text[], headers jsonb, query text, body_sha256 text,
    body_size integer, received_at timestamptz
)
ORDER BY source, sender, delivery_key
ON CONFLICT (source, sender, delivery_key) DO NOTHING
RETURNING id
