-- Keep deliveries: the ids of those whose keys were not used before. Of a large body the pieces but
-- the last one were sent ahead.
INSERT INTO deliveries (
    id, source, sender, delivery_key, event_type, outcome, reason, flags,
    headers, query, body, body_sha256, body_size, received_at
)
SELECT
    id, source, sender, delivery_key, event_type, outcome, reason, flags,
    headers, query,
    CASE
        WHEN body_size = length(last_piece) THEN last_piece
        ELSE (
            SELECT string_agg(piece, ''::bytea ORDER BY place) || last_piece
            FROM body_pieces
            WHERE delivery_id = given.id
        )
    END,
    decode(body_sha256, 'hex'), body_size, received_at
FROM ROWS FROM (
    jsonb_to_recordset(%(rows)s::jsonb) AS (
        id uuid, source text, sender text, delivery_key text, event_type text, outcome text,
        reason text, flags text[], headers jsonb, query text, body_sha256 text,
        body_size integer, received_at timestamptz
    ),
    unnest(%(last_pieces)b::bytea[]) -- in binary: as texts they would be twice as long
) AS given (
    id, source, sender, delivery_key, event_type, outcome, reason, flags, headers, query,
    body_sha256, body_size, received_at, last_piece
)
ORDER BY source, sender, delivery_key
ON CONFLICT (source, sender, delivery_key) DO NOTHING
RETURNING id
